// Publishes an event, and lists its deliveries, by a client that oapi-codegen has made.
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/surehook/surehook/examples/generated-clients/api"
)

func main() {
	ctx := context.Background()
	authorize := func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+os.Getenv("SUREHOOK_API_KEY"))
		return nil
	}
	url := cmp.Or(os.Getenv("SUREHOOK_URL"), "http://127.0.0.1:8080")
	client, err := api.NewClientWithResponses(url, api.WithRequestEditorFn(authorize))
	if err != nil {
		log.Fatal(err)
	}

	order := api.NewEvent{Type: "order.created", Payload: map[string]string{"order_id": "1001"}}
	event, err := client.PostEventWithResponse(ctx, &api.PostEventParams{}, order)
	if err != nil {
		log.Fatal(err)
	}
	if event.JSON202 == nil {
		log.Fatalf("The event was refused: %s", event.Body)
	}
	fmt.Println("published", event.JSON202.Id)

	deliveries, err := client.ListDeliveriesWithResponse(ctx, &api.ListDeliveriesParams{EventId: &event.JSON202.Id})
	if err != nil {
		log.Fatal(err)
	}
	if deliveries.JSON200 == nil {
		log.Fatalf("The deliveries cannot be read: %s", deliveries.Body)
	}
	for _, delivery := range deliveries.JSON200.Data {
		fmt.Println(delivery.Id, delivery.Status)
	}
}
