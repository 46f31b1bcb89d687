package richtext

// isDropped reports whether an element goes with all that is in it: code, embedded things with their fallbacks, form fields.
func isDropped(name string) bool {
	switch name {
	case "script", "style", "template", "title", "iframe", "object", "applet", "noscript", "noframes", "noembed",
		"svg", "math", "canvas", "audio", "video", "textarea", "select", "datalist":
		return true
	}
	return false
}

// isFlow reports whether an element starts and ends a line without being a block of the model itself.
func isFlow(name string) bool {
	switch name {
	case "html", "body", "p", "div", "section", "article", "aside", "header", "footer", "main", "nav", "address", "center", "figure",
		"figcaption", "details", "summary", "dialog", "dl", "dt", "dd", "fieldset", "form", "legend", "hgroup", "search", "option":
		return true
	}
	return false
}

// isBlock reports whether an element breaks lines. In an input that has one, newlines are spaces, as in HTML.
func isBlock(name string) bool {
	switch name {
	case "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "menu", "dir", "li", "blockquote", "pre", "listing", "xmp", "plaintext",
		"table", "caption", "colgroup", "col", "thead", "tbody", "tfoot", "tr", "td", "th":
		return true
	}
	return isFlow(name)
}

// isElement reports whether HTML has, or had, an element of this name. "<name>" is none, and stays a word of a plain text.
func isElement(name string) bool {
	switch name {
	case "a", "abbr", "acronym", "area", "b", "base", "basefont", "bdi", "bdo", "big", "blink", "button", "cite", "code", "data", "del",
		"dfn", "em", "embed", "font", "frame", "frameset", "head", "i", "img", "input", "ins", "kbd", "label", "link", "map", "mark",
		"marquee", "meta", "meter", "nobr", "optgroup", "output", "param", "picture", "progress", "q", "rb", "rp", "rt", "rtc",
		"ruby", "s", "samp", "slot", "small", "source", "span", "strike", "strong", "sub", "sup", "time", "track", "tt", "u", "var", "wbr":
		return true
	}
	return isBlock(name) || isDropped(name)
}

// styleOf returns the style that an element gives its text, or 0.
func styleOf(name string) Style {
	switch name {
	case "b", "strong":
		return Bold
	case "i", "em", "cite", "dfn", "var":
		return Italic
	case "u", "ins":
		return Underline
	case "s", "strike", "del":
		return Strike
	case "code", "kbd", "samp", "tt":
		return Mono
	}
	return 0
}
