package surehook

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// The types must have the fields of the OpenAPI document, all of them and no other.
func TestTheTypesAreThoseOfTheOpenAPIDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]any `json:"properties"`
			} `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]any{
		"AcceptedEvent": AcceptedEvent{}, "ListedEvent": ListedEvent{}, "Event": Event{}, "Endpoint": Endpoint{},
		"EndpointWithSecret": EndpointWithSecret{}, "EndpointSecrets": EndpointSecrets{}, "Delivery": Delivery{},
		"DeliveryWithAttempts": DeliveryWithAttempts{}, "Attempt": Attempt{}, "Batch": Batch{},
	} {
		want := []string{}
		for field := range document.Components.Schemas[name].Properties {
			want = append(want, field)
		}
		got := fields(reflect.TypeOf(value))
		slices.Sort(want)
		slices.Sort(got)
		if len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("%s has %v; the document has %v", name, got, want)
		}
	}
}

func fields(of reflect.Type) []string {
	names := []string{}
	for _, field := range reflect.VisibleFields(of) {
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" && !field.Anonymous {
			names = append(names, name)
		}
	}
	return names
}
