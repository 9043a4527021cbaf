// GET / stores a webhook for a URL that always answers 500: Surehook keeps sending it.
package main

import (
	"cmp"
	"encoding/json"
	"log"
	"net/http"
	"os"

	surehook "github.com/surehook/surehook/clients/go"
)

func main() {
	address := "127.0.0.1:" + cmp.Or(os.Getenv("PORT"), "8000")
	client := surehook.New() // SUREHOOK_URL and SUREHOOK_API_KEY of the environment
	http.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		event, err := client.Send(r.Context(), "http://"+address+"/always-500", map[string]string{"hello": "world"})
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		json.NewEncoder(w).Encode(map[string]string{"id": event.ID})
	})
	http.HandleFunc("POST /always-500", func(w http.ResponseWriter, r *http.Request) {
		log.Println("attempt", r.Header.Get("Webhook-Attempt"))
		w.WriteHeader(http.StatusInternalServerError)
	})
	log.Fatal(http.ListenAndServe(address, nil))
}
