package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"

	"github.com/gofiber/fiber/v2"

	"github.com/switchhook/switchhook/internal/authorize"
)

// connectPage is what a person sees who comes back from a network's page.
type connectPage struct {
	Network  string
	Account  string // whose channels they are now: whoever was sent here by somebody else has to see it
	Host     string
	Channels []authorize.Connected
	Failure  *authorize.Failure
	Style    template.CSS
}

const connectStyle = `body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}` +
	`h1{font-size:1.4rem}code{background:#f2f2f2;padding:.1rem .3rem}.wrong{border-left:4px solid #b00020;padding-left:1rem}`

const connectTemplate = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{{if .Channels}}Connected{{else}}Not connected{{end}} – Switchhook</title>
<style>{{.Style}}</style>
</head>
<body>
{{if .Channels}}<h1>{{.Network}} is connected</h1>
<p>These channels belong to the account <strong>{{.Account}}</strong> at {{.Host}} now. It may use them as far as you have granted it. If that is not your account, take the access back in the
settings of your profile at {{.Network}}.</p>
{{range .Channels}}<h2><a href="/app/channels/{{.ID}}">{{.Name}}</a></h2>
<ul>
<li>{{if .Created}}A new channel{{else}}A channel that was there, with new credentials{{end}}: <code>{{.ID}}</code> ({{.Address}})</li>
<li>Status: {{.Status}}{{with .Message}} – {{.}}{{end}}</li>
<li>Granted: {{range $i, $scope := .Scopes}}{{if $i}}, {{end}}<code>{{$scope}}</code>{{else}}the network lists no permissions{{end}}</li>
</ul>
{{end}}{{else}}<h1>{{with .Network}}{{.}} is not connected{{else}}Nothing was connected{{end}}</h1>
{{end}}{{with .Failure}}<p class="wrong">{{.Message}} <small>({{.Code}})</small></p>
{{end}}<p><a href="/app/channels">To the channels</a>, or close this page.</p>
</body>
</html>
`

// page answers with a page that may load and run nothing, and that nobody else may show, list or learn the address of.
func page(r *request, status int, shown connectPage) (answer, error) {
	parsed, err := template.New("connect").Parse(connectTemplate)
	if err != nil {
		return answer{}, fmt.Errorf("read page: %w", err)
	}
	shown.Style = connectStyle
	var body bytes.Buffer
	if err := parsed.Execute(&body, shown); err != nil {
		return answer{}, fmt.Errorf("write page: %w", err)
	}
	hash := sha256.Sum256([]byte(connectStyle))
	r.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(hash[:])+
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	r.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	r.Set("X-Robots-Tag", "noindex")
	return answer{status: status, raw: body.Bytes(), contentType: fiber.MIMETextHTMLCharsetUTF8}, nil
}
