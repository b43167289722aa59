package vault_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
)

func exchange(client *http.Client, request *http.Request) (azcore.AccessToken, error) {
	response, err := client.Do(request)
	if err != nil {
		return azcore.AccessToken{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return azcore.AccessToken{}, fmt.Errorf("identity endpoint: %s", response.Status)
	}
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	err = json.NewDecoder(response.Body).Decode(&answer)
	return azcore.AccessToken{Token: answer.AccessToken, ExpiresOn: time.Now().Add(time.Hour)}, err
}
