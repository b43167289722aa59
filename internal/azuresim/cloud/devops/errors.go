package devops

import (
	"errors"
	"fmt"
	"html"
	"net/http"
	"strings"
)

// refusal is an error answer in the service's envelope.
type refusal struct {
	status  int
	typeKey string
	message string
}

func (e *refusal) Error() string {
	return fmt.Sprintf("devops: %d %s: %s", e.status, e.typeKey, e.message)
}

// The name spaces in which the service's exceptions live.
const (
	framework = "Microsoft.TeamFoundation.Framework.Server"
	endpoints = "Microsoft.VisualStudio.Services.ServiceEndpoints.WebApi"
)

func (e *refusal) body() any {
	space := framework
	if strings.HasPrefix(e.typeKey, "ServiceEndpoint") {
		space = endpoints
	}
	return map[string]any{
		"$id": "1", "innerException": nil, "message": e.message,
		"typeName": space + "." + e.typeKey + ", " + space, "typeKey": e.typeKey, "errorCode": 0, "eventId": 3000,
	}
}

func refuse(status int, typeKey, format string, args ...any) error {
	return &refusal{status, typeKey, fmt.Sprintf(format, args...)}
}

// badConnection is the exception that the service has for most mistakes.
func badConnection(format string, args ...any) error {
	return refuse(http.StatusBadRequest, "ServiceEndpointException", format, args...)
}

func forbidden(format string, args ...any) error {
	return refuse(http.StatusForbidden, "ServiceEndpointAccessDeniedException", format, args...)
}

func notAuthorized(user string) error {
	return refuse(http.StatusUnauthorized, "UnauthorizedRequestException", "TF400813: The user '%s' is not authorized to access this resource.", user)
}

func projectNotFound(name string) error {
	return refuse(http.StatusNotFound, "ProjectDoesNotExistWithNameException", "TF200016: The following project does not exist: %s. "+
		"Verify that the name of the project is correct and that the project exists on the specified Azure DevOps Server.", name)
}

func connectionNotFound(id string) error {
	return refuse(http.StatusNotFound, "ServiceEndpointNotFoundException", "Service connection with id %s was not found, or you do not have permission to view it.", id)
}

func unknownRoute(r *http.Request) error {
	return refuse(http.StatusNotFound, "VssResourceNotFoundException", "The controller for path '%s' was not found or does not answer %s.", r.URL.Path, r.Method)
}

func writeError(w http.ResponseWriter, err error) {
	var refused *refusal
	if !errors.As(err, &refused) {
		refused = &refusal{http.StatusInternalServerError, "VssServiceException", err.Error()}
	}
	writeJSON(w, refused.status, refused.body())
}

// page is an answer for people, where a program expects JSON.
type page struct {
	status   int
	title    string
	location string
	tenant   string // whose principals have to sign in
}

func (p *page) Error() string { return "devops: " + p.title }

func (p *page) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if p.location != "" {
		w.Header().Set("Location", p.location)
	}
	if p.tenant != "" {
		w.Header().Add("WWW-Authenticate", "Bearer authorization_uri=https://login.microsoftonline.com/"+p.tenant)
		w.Header().Add("WWW-Authenticate", `Basic realm="https://tfsprodcus1.visualstudio.com/"`)
	}
	w.WriteHeader(p.status)
	fmt.Fprintf(w, "<!DOCTYPE html>\r\n<html lang=\"en-US\"><head><title>%s</title></head><body></body></html>\r\n", html.EscapeString(p.title))
}

// signIn is what a caller meets whose token is missing, bad or expired.
func signIn(r *http.Request, tenant string) *page {
	switch {
	case strings.EqualFold(r.Header.Get("X-TFS-FedAuthRedirect"), "Suppress"):
		return &page{status: http.StatusUnauthorized, title: "Access Denied: The Personal Access Token used has expired.", tenant: tenant}
	case strings.Contains(r.Header.Get("Accept"), "text/html"):
		return &page{status: http.StatusFound, title: "Object moved", location: "https://spsprodcus1.vssps.visualstudio.com/_signin?realm=dev.azure.com"}
	}
	return &page{status: http.StatusNonAuthoritativeInfo, title: "Azure DevOps Services | Sign In", tenant: tenant}
}
