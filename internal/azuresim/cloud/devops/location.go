package devops

import "strings"

// location says where a resource is, so that clients need not know.
type location struct {
	ID              string `json:"id"`
	Area            string `json:"area"`
	ResourceName    string `json:"resourceName"`
	RouteTemplate   string `json:"routeTemplate"`
	ResourceVersion int    `json:"resourceVersion"`
	MinVersion      string `json:"minVersion"`
	MaxVersion      string `json:"maxVersion"`
	ReleasedVersion string `json:"releasedVersion"`
}

func place(id, area, resource, template string, version int) location {
	return location{id, area, resource, template, version, "1.0", "7.2", "7.1"}
}

// locations answers OPTIONS. The ids are those that the official clients ask for.
func (s *Service) locations(c *call) (any, error) {
	places := []location{place("e81700f7-3be2-46de-8624-2eb35882fcaa", "Location", "ResourceAreas", "_apis/{resource}/{areaId}", 1)}
	if c.org == nil {
		return list(append(places,
			place("f83735dc-483f-4238-a291-d45f6080a9af", "profile", "profiles", "_apis/{area}/{resource}/{id}", 3),
			place("229a6a53-b428-4ffb-a835-e8f36b5b4b1e", "account", "accounts", "_apis/{resource}/{accountId}", 1))), nil
	}
	return list(append(places,
		place("603fe2ac-9723-48b9-88ad-09305aa6c6e1", "core", "projects", "_apis/{resource}/{*projectId}", 4),
		place("14e48fdc-2c8b-41ce-a0c3-e26f6cc55bd0", "serviceendpoint", "endpoints", "_apis/{area}/{resource}/{endpointId}", 4),
		place("e85f1c62-adfc-4b74-b618-11a150fb195e", "serviceendpoint", "endpoints", "{project}/_apis/{area}/{resource}/{endpointId}", 4),
		place("cc63bb57-2a5f-4a7a-b79c-c142d308657e", "serviceendpoint", "endpointproxy", "{project}/_apis/{area}/{resource}", 1))), nil
}

type resourceArea struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	LocationURL string `json:"locationUrl"`
}

// resourceAreas says on which host an area of the API is.
func (s *Service) resourceAreas(c *call) (any, error) {
	profiles := "https://" + ProfileHost + "/"
	areas := []resourceArea{
		{"8ccfef3d-2b87-4e99-8ccb-66e343d2daa8", "profile", profiles},
		{"0d55247a-1c47-4462-9b1f-5e2125590ee6", "account", profiles},
	}
	if c.org != nil {
		here := "https://" + Host + "/" + strings.ToLower(c.org.name) + "/"
		areas = append(areas,
			resourceArea{"79134c72-4a58-4b42-976c-04e7115f32bf", "core", here},
			resourceArea{"1814ab31-2f4f-4a9f-8761-f4d77dc5a5d7", "serviceendpoint", here})
	}
	return list(areas), nil
}
