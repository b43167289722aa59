package broker

import (
	"fmt"
	"regexp"
)

// CheckEntityName refuses what cannot name a queue or topic: up to 260 letters,
// digits and . - _ ~ /, beginning and ending with a letter or digit.
// https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules#microsoftservicebus
func CheckEntityName(name string) error {
	return checkName(name, `^[A-Za-z0-9]([A-Za-z0-9._/~-]{0,258}[A-Za-z0-9])?$`)
}

// CheckSubscriptionName allows 50 characters and no slash.
func CheckSubscriptionName(name string) error {
	return checkName(name, `^[A-Za-z0-9]([A-Za-z0-9._-]{0,48}[A-Za-z0-9])?$`)
}

// CheckRuleName is CheckSubscriptionName, but for $Default.
func CheckRuleName(name string) error {
	if name == DefaultRule {
		return nil
	}
	return CheckSubscriptionName(name)
}

func checkName(name, pattern string) error {
	if !regexp.MustCompile(pattern).MatchString(name) {
		return fmt.Errorf("name %q is not allowed", name)
	}
	return nil
}
