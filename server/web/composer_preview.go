package web

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// previewData is what the preview of a post shows.
type previewData struct {
	Targets []previewTarget
	Faults  []string
	Nowhere bool
	Media   []postMedia
}

type previewTarget struct {
	ChannelID    string   `json:"channelId"`
	Title        string   `json:"title"`
	Parts        []string `json:"parts"`
	FirstComment string   `json:"firstComment"`
	Length       int      `json:"length"`
	Limits       struct {
		TextLength int    `json:"textLength"`
		Counter    string `json:"counter"`
	} `json:"limits"`
	Errors   []postWarning `json:"errors"`
	Warnings []postWarning `json:"warnings"`
	Channel  postChannel   `json:"-"`
}

// Over tells whether the text is longer than the network takes.
func (t previewTarget) Over() bool { return t.Limits.TextLength > 0 && t.Length > t.Limits.TextLength }

// previewPost shows the form as each network would take it. A file that is still on the reader's disk is described by a field "file".
func (w *Web) previewPost(p *page) error {
	channels, err := p.publishers()
	if err != nil {
		return err
	}
	body, wrong := w.composed(p, channels)
	body.Draft = nil
	media := p.described()
	body.Media = &media
	d := previewData{Nowhere: len(body.ChannelIDs) == 0 && body.QueueID == "", Media: media}
	if wrong != nil {
		d.Faults = append(d.Faults, w.problem(wrong).Message)
	}
	if d.Nowhere {
		return p.fragment("posts/preview", "preview", d)
	}
	var answer struct {
		Data   []previewTarget `json:"data"`
		Errors []postWarning   `json:"errors"`
	}
	if err := p.send("POST", "/v1/posts/preview", body, &answer); err != nil {
		return err
	}
	for _, fault := range answer.Errors {
		d.Faults = append(d.Faults, fault.Message)
	}
	for _, t := range answer.Data {
		for _, c := range channels {
			if c.ID == t.ChannelID {
				t.Channel = c
			}
		}
		d.Targets = append(d.Targets, t)
	}
	return p.fragment("posts/preview", "preview", d)
}

// described are the files of a form as a preview takes them: those that the post has, those that are to be fetched, and those on the reader's disk.
func (p *page) described() []postMedia {
	files := []postMedia{}
	for i, raw := range slices.Concat(p.form["kept"], p.form["file"]) {
		var file postMedia
		if json.Unmarshal([]byte(raw), &file) != nil || (i < len(p.form["kept"]) && !slices.Contains(p.form["keep"], file.ID)) {
			continue
		}
		file.ID = ""
		files = append(files, file)
	}
	for _, file := range p.fetched() {
		path := file.URL
		if at, err := url.Parse(file.URL); err == nil {
			path = at.Path
		}
		files = append(files, postMedia{ContentType: guessType(path), Alt: file.Alt})
	}
	return files
}

// guessType guesses what is to be fetched by the end of its address. The server looks at the bytes later.
func guessType(path string) string {
	_, end, _ := strings.Cut(path[strings.LastIndexByte(path, '/')+1:], ".")
	switch strings.ToLower(end) {
	case "mp4", "m4v":
		return "video/mp4"
	case "mov":
		return "video/quicktime"
	case "webm":
		return "video/webm"
	case "gif":
		return "image/gif"
	case "png":
		return "image/png"
	case "webp":
		return "image/webp"
	}
	return "image/jpeg"
}
