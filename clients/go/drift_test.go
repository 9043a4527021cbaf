package surehook

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

type schema struct {
	Ref        string                     `json:"$ref"`
	Properties map[string]json.RawMessage `json:"properties"`
	Required   []string                   `json:"required"`
}

type parameter struct {
	Name string `json:"name"`
	In   string `json:"in"`
}

type operation struct {
	Parameters  []parameter `json:"parameters"`
	RequestBody struct {
		Content map[string]struct {
			Schema schema `json:"schema"`
		} `json:"content"`
	} `json:"requestBody"`
}

type document struct {
	Paths      map[string]map[string]operation `json:"paths"`
	Components struct {
		Schemas map[string]schema `json:"schemas"`
	} `json:"components"`
}

func readDocument(t *testing.T) *document {
	t.Helper()
	text, err := os.ReadFile("../../docs/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	read := &document{}
	if err := json.Unmarshal(text, read); err != nil {
		t.Fatal(err)
	}
	return read
}

func (d *document) body(of operation) schema {
	body := of.RequestBody.Content["application/json"].Schema
	if name, isRef := strings.CutPrefix(body.Ref, "#/components/schemas/"); isRef {
		return d.Components.Schemas[name]
	}
	return body
}

// The types must have the fields of the OpenAPI document, all of them and no other.
func TestTheTypesAreThoseOfTheOpenAPIDocument(t *testing.T) {
	read := readDocument(t)
	for name, value := range map[string]any{
		"AcceptedEvent": AcceptedEvent{}, "ListedEvent": ListedEvent{}, "Event": Event{}, "Endpoint": Endpoint{},
		"EndpointWithSecret": EndpointWithSecret{}, "EndpointSecrets": EndpointSecrets{}, "Delivery": Delivery{},
		"DeliveryWithAttempts": DeliveryWithAttempts{}, "Attempt": Attempt{}, "Batch": Batch{},
		"EndpointTest": EndpointTest{}, "EventType": EventType{}, "ListedEventType": ListedEventType{},
	} {
		expectFields(t, name, value, read.Components.Schemas[name])
	}
	for path, value := range map[string]any{
		"/v1/endpoints": EndpointFields{}, "/v1/batches": NewBatch{}, "/v1/endpoints/{id}/rotate-secret": SecretRotation{},
		"/v1/endpoints/{id}/test": TestSample{}, "/v1/event-types": NewEventType{},
	} {
		expectFields(t, path, value, read.body(read.Paths[path]["post"]))
	}
}

func expectFields(t *testing.T, name string, value any, of schema) {
	t.Helper()
	want := []string{}
	for field := range of.Properties {
		want = append(want, field)
	}
	got := fields(reflect.TypeOf(value))
	slices.Sort(want)
	slices.Sort(got)
	if len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("%s has %v; the document has %v", name, got, want)
	}
}

func fields(of reflect.Type) []string {
	names := []string{}
	for _, field := range reflect.VisibleFields(of) {
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" && name != "-" && !field.Anonymous {
			names = append(names, name)
		}
	}
	return names
}
