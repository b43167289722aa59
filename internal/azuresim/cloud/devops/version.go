package devops

import (
	"mime"
	"net/http"
	"regexp"
	"strconv"
)

// versionPattern: 7.1, 7.1-preview, 7.1-preview.4.
var versionPattern = regexp.MustCompile(`^(\d+\.\d+)(-preview(?:\.(\d+))?)?$`)

const (
	latestVersion   = 7.2
	releasedVersion = 7.1
)

// checkVersion reads the version from the query or from the header Accept. Only
// what reads may leave it out.
// https://learn.microsoft.com/azure/devops/integrate/concepts/rest-api-versioning
func checkVersion(r *http.Request, resourceVersion int) error {
	version := r.URL.Query().Get("api-version")
	if _, parameters, err := mime.ParseMediaType(r.Header.Get("Accept")); err == nil && version == "" {
		version = parameters["api-version"]
	}
	if version == "" {
		if r.Method == http.MethodGet || r.Method == http.MethodOptions {
			return nil
		}
		return refuse(http.StatusBadRequest, "VssVersionNotSpecifiedException", "No api-version was supplied for the %q request. The version must be supplied "+
			"either as part of the Accept header (e.g. \"application/json; api-version=1.0\") or as a query parameter (e.g. \"?api-version=1.0\").", r.Method)
	}
	parts := versionPattern.FindStringSubmatch(version)
	if parts == nil {
		return refuse(http.StatusBadRequest, "VssInvalidApiResourceVersionException", "The api-version %q is not valid.", version)
	}
	number, _ := strconv.ParseFloat(parts[1], 64) // the pattern has digits alone
	preview, _ := strconv.Atoi(parts[3])
	switch {
	case number < 1 || number > latestVersion || preview > resourceVersion:
		return refuse(http.StatusBadRequest, "VssVersionOutOfRangeException", "The requested REST API version of %s is out of range for this server. "+
			"The latest REST API version this server supports is %.1f.", version, latestVersion)
	case number > releasedVersion && parts[2] == "":
		return refuse(http.StatusBadRequest, "VssInvalidPreviewVersionException", "The requested version %q of the resource is under preview. "+
			"The -preview flag must be supplied in the api-version for such requests. For example: %q", version, version+"-preview")
	}
	return nil
}
