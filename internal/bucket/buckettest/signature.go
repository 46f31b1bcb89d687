package buckettest

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const (
	algorithm = "AWS4-HMAC-SHA256"
	streaming = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" // the body comes in signed pieces
)

// verify checks a request's signature (AWS Signature Version 4, https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html)
// and returns its body as it was before it was signed.
func verify(r *http.Request) (io.Reader, error) {
	fields, found := strings.CutPrefix(r.Header.Get("Authorization"), algorithm+" ")
	if !found {
		return nil, errors.New("the request is not signed")
	}
	given := map[string]string{}
	for field := range strings.SplitSeq(fields, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		given[name] = value
	}
	accessKey, scope, _ := strings.Cut(given["Credential"], "/")
	at := r.Header.Get("X-Amz-Date")
	if accessKey != AccessKey || len(at) < 8 || scope != at[:8]+"/"+Region+"/s3/aws4_request" {
		return nil, errors.New("the access key or the region is unknown")
	}
	var headers strings.Builder
	for name := range strings.SplitSeq(given["SignedHeaders"], ";") {
		value := strings.Join(r.Header.Values(name), ",")
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = strconv.FormatInt(r.ContentLength, 10)
		}
		fmt.Fprintf(&headers, "%s:%s\n", name, strings.TrimSpace(value))
	}
	payload := r.Header.Get("X-Amz-Content-Sha256")
	canonical := strings.Join([]string{
		r.Method, r.URL.EscapedPath(), strings.ReplaceAll(r.URL.Query().Encode(), "+", "%20"), headers.String(), given["SignedHeaders"], payload,
	}, "\n")
	key := []byte("AWS4" + SecretKey)
	for part := range strings.SplitSeq(scope, "/") {
		key = sign(key, part)
	}
	if !hmac.Equal([]byte(given["Signature"]), hexOf(sign(key, algorithm+"\n"+at+"\n"+scope+"\n"+hash([]byte(canonical))))) {
		return nil, errors.New("the signature does not match")
	}
	if payload != streaming {
		return r.Body, nil
	}
	return pieces(r.Body, key, at+"\n"+scope, given["Signature"])
}

// pieces reads a body whose pieces are signed one by one, each over the one before.
func pieces(body io.Reader, key []byte, scope, last string) (io.Reader, error) {
	var content bytes.Buffer
	for in := bufio.NewReader(body); ; {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil, fmt.Errorf("read piece: %w", err)
		}
		length, signature, _ := strings.Cut(strings.TrimSpace(line), ";chunk-signature=")
		size, err := strconv.ParseInt(length, 16, 32)
		if err != nil {
			return nil, fmt.Errorf("read length of piece: %w", err)
		}
		piece := make([]byte, size+2)
		if _, err := io.ReadFull(in, piece); err != nil {
			return nil, fmt.Errorf("read piece: %w", err)
		}
		signed := strings.Join([]string{algorithm + "-PAYLOAD", scope, last, hash(nil), hash(piece[:size])}, "\n")
		if !hmac.Equal([]byte(signature), hexOf(sign(key, signed))) {
			return nil, errors.New("the signature of a piece does not match")
		}
		if last = signature; size == 0 {
			return &content, nil
		}
		content.Write(piece[:size])
	}
}

func sign(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

func hash(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func hexOf(sum []byte) []byte { return []byte(hex.EncodeToString(sum)) }
