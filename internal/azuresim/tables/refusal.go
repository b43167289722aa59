package tables

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/tables/odata"
)

// refusal is an error answer of the service.
// https://learn.microsoft.com/rest/api/storageservices/table-service-error-codes
type refusal struct {
	status  int
	code    string
	message string
}

func (r *refusal) Error() string {
	return fmt.Sprintf("tables: %d %s: %s", r.status, r.code, r.message)
}

var (
	errAuthenticationFailed = &refusal{http.StatusForbidden, "AuthenticationFailed",
		"Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature."}
	errTableNotFound               = &refusal{http.StatusNotFound, "TableNotFound", "The table specified does not exist."}
	errTableAlreadyExists          = &refusal{http.StatusConflict, "TableAlreadyExists", "The table specified already exists."}
	errResourceNotFound            = &refusal{http.StatusNotFound, "ResourceNotFound", "The specified resource does not exist."}
	errEntityAlreadyExists         = &refusal{http.StatusConflict, "EntityAlreadyExists", "The specified entity already exists."}
	errUpdateConditionNotSatisfied = &refusal{http.StatusPreconditionFailed, "UpdateConditionNotSatisfied",
		"The update condition specified in the request was not satisfied."}
	errMissingRequiredHeader = &refusal{http.StatusBadRequest, "MissingRequiredHeader",
		"An HTTP header that's mandatory for this request is not specified."}
	errPropertiesNeedValue = &refusal{http.StatusBadRequest, "PropertiesNeedValue",
		"The values are not specified for all properties in the entity."}
	errDuplicateProperties = &refusal{http.StatusBadRequest, "DuplicatePropertiesSpecified",
		"A property is specified more than one time."}
	errTooManyProperties = &refusal{http.StatusBadRequest, "TooManyProperties",
		"The entity contains more properties than allowed. Each entity can include up to 252 properties to store data. Each entity also has 3 system properties."}
	errPropertyValueTooLarge = &refusal{http.StatusBadRequest, "PropertyValueTooLarge",
		"The property value exceeds the maximum allowed size (64KB). If the property value is a string, it is UTF-16 encoded and the maximum number of characters should be 32K or less."}
	errEntityTooLarge      = &refusal{http.StatusBadRequest, "EntityTooLarge", "The entity is larger than the maximum allowed size (1MB)."}
	errPropertyNameTooLong = &refusal{http.StatusBadRequest, "PropertyNameTooLong", "The property name exceeds the maximum allowed length (255)."}
	errPropertyNameInvalid = &refusal{http.StatusBadRequest, "PropertyNameInvalid", "The property name is invalid."}
	errKeyValueTooLarge    = &refusal{http.StatusBadRequest, "KeyValueTooLarge", "The key value exceeds the maximum allowed size (1KB)."}
	errTableNameLength     = &refusal{http.StatusBadRequest, "OutOfRangeInput", "The specified resource name length is not within the permissible limits."}
	errTableNameCharacters = &refusal{http.StatusBadRequest, "InvalidResourceName", "The specified resource name contains invalid characters."}
	errRequestBodyTooLarge = &refusal{http.StatusRequestEntityTooLarge, "RequestBodyTooLarge", "The request body is too large and exceeds the maximum permissible limit."}
	errAtomNotSupported    = &refusal{http.StatusUnsupportedMediaType, "AtomFormatNotSupported", "Atom format is not supported."}
	errNotImplemented      = &refusal{http.StatusNotImplemented, "NotImplemented", "The requested operation is not implemented on the specified resource."}
	errMethodNotAllowed    = &refusal{http.StatusMethodNotAllowed, "MethodNotAllowed", "The resource doesn't support the specified HTTP verb."}
	errInvalidURI          = &refusal{http.StatusBadRequest, "InvalidUri", "The requested URI does not represent any resource on the server."}
	errInternal            = &refusal{http.StatusInternalServerError, "InternalError", "The server encountered an internal error. Please retry the request."}
	errServerBusy          = &refusal{http.StatusServiceUnavailable, "ServerBusy", "The server is busy."}
	errOperationTimedOut   = &refusal{http.StatusInternalServerError, "OperationTimedOut", "The operation could not be completed within the permitted time."}
	errDuplicateRow        = &refusal{http.StatusBadRequest, "InvalidDuplicateRow",
		"The batch request contains multiple changes with same row key. An entity can appear only once in a batch request."}
	errDifferentPartitions = &refusal{http.StatusBadRequest, "CommandsInBatchActOnDifferentPartitions",
		"All commands in a batch must operate on same entity group."}
	errTooManyChanges = &refusal{http.StatusBadRequest, "InvalidInput",
		"The batch request operation exceeds the maximum 100 changes per change set."}
)

func invalidInput(message string) *refusal {
	return &refusal{http.StatusBadRequest, "InvalidInput", message}
}

func outOfRange(message string) *refusal {
	return &refusal{http.StatusBadRequest, "OutOfRangeInput", message}
}

func invalidETag(value string) *refusal {
	return invalidInput(fmt.Sprintf("The etag value '%s' specified in one of the request headers is not valid. "+
		"Please make sure only one etag value is specified and is valid.", value))
}

// at says which operation of a batch was refused, as the service does.
func (r *refusal) at(index int) *refusal {
	return &refusal{r.status, r.code, fmt.Sprintf("%d:%s", index, r.message)}
}

// refused turns any error into one that can be answered.
func refused(err error) *refusal {
	var r *refusal
	if errors.As(err, &r) {
		return r
	}
	return errInternal
}

// answer words the refusal as the client asked for it.
func (r *refusal) answer(asked wish, requestID string, now time.Time) answer {
	message := fmt.Sprintf("%s\nRequestId:%s\nTime:%s", r.message, requestID, now.Format(odata.DateTimeForm))
	if asked.xml {
		return newAnswer(r.status, "application/xml", r.xml(message))
	}
	return newAnswer(r.status, asked.level.contentType(), r.json(message))
}

func (r *refusal) json(message string) []byte {
	type text struct {
		Lang  string `json:"lang"`
		Value string `json:"value"`
	}
	type detail struct {
		Code    string `json:"code"`
		Message text   `json:"message"`
	}
	body, _ := json.Marshal(map[string]detail{"odata.error": {r.code, text{"en-US", message}}}) // strings always marshal
	return body
}

// The namespace of OData's errors is part of their format.
func (r *refusal) xml(message string) []byte {
	var code, text strings.Builder
	_ = xml.EscapeText(&code, []byte(r.code)) // a Builder takes everything
	_ = xml.EscapeText(&text, []byte(message))
	return fmt.Appendf(nil, `<?xml version="1.0" encoding="utf-8" standalone="yes"?>`+
		`<error xmlns="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">`+
		`<code>%s</code><message xml:lang="en-US">%s</message></error>`, code.String(), text.String())
}
