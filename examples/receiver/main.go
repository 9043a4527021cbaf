// Receives webhooks: verifies the bytes as they came, and stores each event once, also after a restart.
package main

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"log"
	"net/http"
	"os"
	"path/filepath"

	surehook "github.com/surehook/surehook/clients/go"
)

var (
	secret = os.Getenv("WEBHOOK_SECRET")
	events = cmp.Or(os.Getenv("EVENTS"), "events")
)

func main() {
	if secret == "" {
		log.Fatal("Set WEBHOOK_SECRET.")
	}
	if err := os.MkdirAll(events, 0o700); err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("POST /webhooks", receive)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+cmp.Or(os.Getenv("PORT"), "9000"), nil))
}

func receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 512*1024))
	if err != nil {
		http.Error(w, "the body cannot be read, or is too large", http.StatusBadRequest)
		return
	}
	webhook, err := surehook.VerifyWebhook(body, r.Header, secret)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	switch err := store(webhook.ID, body); {
	case err == nil:
		log.Println("received", webhook.ID)
	case errors.Is(err, fs.ErrExist):
		log.Println("had before", webhook.ID)
	default:
		// It comes again later.
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// store writes an event to a file named by its id, whole or not at all; fs.ErrExist: it is there. Work on these files afterwards.
func store(id string, body []byte) error {
	file, err := os.CreateTemp(events, ".*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(body)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Link(file.Name(), filepath.Join(events, id))
}
