// Package surehook is the client of Surehook: durable webhooks in a few lines.
//
//	client := surehook.New() // SUREHOOK_URL and SUREHOOK_API_KEY of the environment
//	_, err := client.Send(ctx, "https://example.com/hook", map[string]string{"hello": "world"})
//	_, err = client.Publish(ctx, "order.created", order, surehook.IdempotencyKey("order-1001"))
//
// A request that fails on the way, or with 429 or 5xx, is made again with the same idempotency key: nothing is published twice.
package surehook
