package resourcemanager

import (
	"net/http"
	"strings"
)

// Unregister has a subscription without a resource provider, such as
// Microsoft.ContainerInstance: nothing of that provider can be written there.
func (s *Service) Unregister(subscription, namespace string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subscription(subscription).unregistered[strings.ToLower(namespace)] = true
}

type providerJSON struct {
	ID                 string `json:"id"`
	Namespace          string `json:"namespace"`
	RegistrationPolicy string `json:"registrationPolicy"`
	RegistrationState  string `json:"registrationState"`
	ResourceTypes      []any  `json:"resourceTypes"`
}

// https://learn.microsoft.com/rest/api/resources/providers/get
func (s *Service) getProvider(c *call) (answer, error) {
	id := "/subscriptions/" + c.path["subscription"]
	if err := s.authorize(c, "Microsoft.Resources/subscriptions/providers/read", id); err != nil {
		return answer{}, err
	}
	found := providerJSON{
		ID: id + "/providers/" + c.path["namespace"], Namespace: c.path["namespace"],
		RegistrationPolicy: "RegistrationRequired", RegistrationState: "Registered", ResourceTypes: []any{},
	}
	if s.checkRegistered(c.path["subscription"], found.Namespace) != nil {
		found.RegistrationState = "NotRegistered"
	}
	return ok(found)
}

// checkRegistration refuses what an unregistered provider would have to write.
func (s *Service) checkRegistration(action, scope string) error {
	namespace, _, _ := strings.Cut(action, "/")
	if !strings.HasSuffix(action, "/write") {
		return nil
	}
	return s.checkRegistered(scopeSubscription(scope), namespace)
}

// https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-register-resource-provider
func (s *Service) checkRegistered(subscription, namespace string) error {
	found := s.subscriptions[strings.ToLower(subscription)]
	if found == nil || !found.unregistered[strings.ToLower(namespace)] {
		return nil
	}
	return refuse(http.StatusConflict, "MissingSubscriptionRegistration", "The subscription is not registered to use namespace '%s'. See https://aka.ms/rps-not-found for how to register subscriptions.", namespace)
}
