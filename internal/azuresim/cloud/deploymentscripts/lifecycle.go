package deploymentscripts

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

func (s *Service) scriptAt(id string) *script {
	i := slices.IndexFunc(s.scripts, func(one *script) bool { return strings.EqualFold(one.id, id) })
	if i < 0 {
		return nil
	}
	return s.scripts[i]
}

// keep adds a script, or runs one again that has changed.
func (s *Service) keep(r *resourcemanager.Request, body scriptJSON, storage *account) (int, any, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	status, found := http.StatusCreated, s.scriptAt(scriptID(r))
	switch {
	case found == nil:
		found = &script{id: scriptID(r), name: r.Path["script"]}
		s.scripts = append(s.scripts, found)
	case r.Now.Before(found.ends):
		return nested(http.StatusConflict, "DeploymentScriptInProgress", "The deployment script '%s' has not ended.", found.name)
	case found.put == string(text):
		return http.StatusOK, found.json(r.Now), nil
	default:
		status = http.StatusOK
	}
	found.body, found.put, found.storage, found.ran = body, string(text), storage, false
	found.starts = r.Now.Add(s.options.Provisioning)
	found.ends = found.starts.Add(s.options.Takes)
	answer := found.json(r.Now)
	answer.Properties.ProvisioningState = "Creating"
	s.catchUp(r.Now)
	return status, answer, nil
}

func (s *Service) catchUp(now time.Time) {
	for _, one := range s.scripts {
		if one.ran || now.Before(one.starts) {
			continue
		}
		one.ran, one.output, one.exitCode = true, "", 0
		if one.storage.KeysBlocked {
			continue
		}
		one.executions++
		if s.runs != nil {
			one.output, one.exitCode = s.runs(one.environment())
		}
	}
}

func (s *script) environment() map[string]string {
	all := map[string]string{}
	for _, v := range s.body.Properties.EnvironmentVariables {
		if v.Value != nil {
			all[v.Name] = *v.Value
		} else {
			all[v.Name] = *v.SecureValue
		}
	}
	return all
}

// state returns how far the script is, and why it failed.
func (s *script) state(now time.Time) (state string, failure *errorJSON) {
	switch {
	case now.Before(s.starts):
		return "ProvisioningResources", nil
	case s.storage.KeysBlocked:
		return "Failed", &errorJSON{"DeploymentScriptOperationFailed", "Key based authentication is not permitted on this storage account.\nStatus: 403 (Key based authentication is not permitted on this storage account.)\nErrorCode: KeyBasedAuthenticationNotPermitted"}
	case now.Before(s.ends):
		return "Running", nil
	case s.exitCode != 0:
		return "Failed", &errorJSON{"DeploymentScriptError", "The provided script failed with the following error:\r\n" + s.output + "\r\nPlease refer to https://aka.ms/DeploymentScriptsTroubleshoot for more deployment script information. (exit code " + strconv.Itoa(s.exitCode) + ")"}
	}
	return "Succeeded", nil
}

// json is the script as everyone who may read it sees it.
func (s *script) json(now time.Time) scriptJSON {
	shown, properties := s.body, *s.body.Properties
	shown.ID, shown.Name, shown.Type, shown.Properties = s.id, s.name, "Microsoft.Resources/deploymentScripts", &properties
	properties.StorageAccountSettings = &storageJSON{StorageAccountName: s.storage.Name}
	properties.EnvironmentVariables = nil
	for _, v := range s.body.Properties.EnvironmentVariables {
		properties.EnvironmentVariables = append(properties.EnvironmentVariables, variableJSON{Name: v.Name, Value: v.Value})
	}
	status := &statusJSON{StorageAccountID: s.storage.id}
	properties.ProvisioningState, status.Error = s.state(now)
	if s.ran {
		status.StartTime = &s.starts
	}
	if !now.Before(s.ends) {
		status.EndTime = &s.ends
	}
	properties.Status = status
	return shown
}

// https://learn.microsoft.com/rest/api/resources/deployment-scripts/get
func (s *Service) get(r *resourcemanager.Request) (int, any, error) {
	return s.with(r, "Microsoft.Resources/deploymentScripts/read", func(found *script) (int, any, error) {
		return http.StatusOK, found.json(r.Now), nil
	})
}

// with answers about a script that exists, under the lock.
func (s *Service) with(r *resourcemanager.Request, action string, answer func(*script) (int, any, error)) (int, any, error) {
	if err := authorized(r, action, scriptID(r)); err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp(r.Now)
	if found := s.scriptAt(scriptID(r)); found != nil {
		return answer(found)
	}
	return nested(http.StatusNotFound, "DeploymentScriptNotFound", "The deployment script '%s' was not found.", r.Path["script"])
}

// https://learn.microsoft.com/rest/api/resources/deployment-scripts/get-logs-default
func (s *Service) getLog(r *resourcemanager.Request) (int, any, error) {
	return s.with(r, "Microsoft.Resources/deploymentScripts/logs/read", func(found *script) (int, any, error) {
		if found.executions == 0 {
			return nested(http.StatusNotFound, "DeploymentScriptLogsNotFound", "There are no logs of the deployment script '%s'.", found.name)
		}
		return http.StatusOK, map[string]any{
			"id": found.id + "/logs/default", "name": "default", "type": "Microsoft.Resources/deploymentScripts/logs",
			"properties": map[string]string{"log": tail(found.output, r.URL.Query().Get("tail"))},
		}, nil
	})
}

// tail returns the last lines of a log, all of them where no number is asked for.
func tail(log, lines string) string {
	n, err := strconv.Atoi(lines)
	all := strings.Split(log, "\n")
	if err != nil || n <= 0 || n >= len(all) {
		return log
	}
	return strings.Join(all[len(all)-n:], "\n")
}

// https://learn.microsoft.com/rest/api/resources/deployment-scripts/delete
func (s *Service) delete(r *resourcemanager.Request) (int, any, error) {
	if err := authorized(r, "Microsoft.Resources/deploymentScripts/delete", scriptID(r)); err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp(r.Now)
	found := s.scriptAt(scriptID(r))
	if found == nil {
		return http.StatusNoContent, nil, nil
	}
	s.scripts = slices.DeleteFunc(s.scripts, func(one *script) bool { return one == found })
	return http.StatusOK, nil, nil
}
