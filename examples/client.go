// Sends an image to the service and prints the text with its confidence: go run client.go captcha.png
// BEARCAT_URL is the address of the service, BEARCAT_TOKEN its token, if it has one.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"
)

const timeout = 70 * time.Second // the service takes at most 60 s for an image

type answer struct {
	Code       int     `json:"return_code"`
	Info       string  `json:"return_info"`
	Result     any     `json:"result"`
	Confidence float64 `json:"overall_recognition_rate"`
}

// predict returns the service's answer to an image; errors are answers too.
func predict(url, token string, image []byte) (found answer) {
	body, err := json.Marshal(map[string]string{"img": base64.StdEncoding.EncodeToString(image)})
	check(err)
	request, err := http.NewRequest("POST", url, bytes.NewReader(body))
	check(err)
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := (&http.Client{Timeout: timeout}).Do(request)
	check(err)
	defer response.Body.Close()
	check(json.NewDecoder(response.Body).Decode(&found))
	return found
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: go run client.go IMAGE")
	}
	image, err := os.ReadFile(os.Args[1])
	check(err)
	url, isSet := os.LookupEnv("BEARCAT_URL")
	if !isSet {
		url = "http://127.0.0.1:5006"
	}
	found := predict(url, os.Getenv("BEARCAT_TOKEN"), image)
	if found.Code != 200 {
		log.Fatalf("error %d: %s", found.Code, found.Info)
	}
	fmt.Printf("%v (%.1f%%)\n", found.Result, 100*found.Confidence)
}
