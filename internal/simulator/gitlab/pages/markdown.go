package pages

import (
	"bytes"
	"html"
	"html/template"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/renderer"
	gtext "github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
)

// What is rendered is bounded: by its size, by how deep it goes, and by how many links
// there may be, for whose parts the parser looks again and again. What is beyond is
// shown as it was written.
const (
	maxMarkdown = 128 << 10
	maxNesting  = 64
	maxLinks    = 1000
)

// boxForm is the id of the form that the boxes of a description belong to.
const boxForm = "boxes"

// text is Markdown to be shown. Whoever wrote it may be hostile: no HTML but a few
// tags without attributes, nothing that loads, no address but of web and mail.
type text struct {
	// base is where relative addresses lead.
	base string
	// boxes are those that can be ticked, by their place in the text.
	boxes map[int]gitlab.Box
}

// html renders a text.
func (t text) html(source string) template.HTML {
	source = strings.ReplaceAll(source, "\x00", "\uFFFD")
	if endless(source) {
		return template.HTML(`<pre class="asis">` + html.EscapeString(source) + "</pre>")
	}
	markdown := goldmark.New(
		goldmark.WithExtensions(extension.GFM),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(t, 1))),
	)
	var b bytes.Buffer
	if err := markdown.Convert([]byte(source), &b); err != nil {
		return template.HTML(`<pre class="asis">` + html.EscapeString(source) + "</pre>")
	}
	return template.HTML(b.String())
}

var nesting = regexp.MustCompile(`(?m)^(?:[ \t]*(?:>|[-*+]|\d{1,9}[.)])[ \t]*){64,}`)

// endless says whether rendering a text would take for ever.
func endless(source string) bool {
	if len(source) > maxMarkdown || strings.Count(source, "](") > maxLinks || strings.Count(source, "]:") > maxLinks {
		return true
	}
	for line := range strings.Lines(source) {
		if len(line)-len(strings.TrimLeft(line, " \t")) > 8*maxNesting {
			return true
		}
	}
	return nesting.MatchString(source) || strings.Contains(source, strings.Repeat("[", 4*maxNesting))
}

// RegisterFuncs puts our renderers before goldmark's.
func (t text) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindRawHTML, t.rawHTML)
	r.Register(ast.KindHTMLBlock, t.htmlBlock)
	r.Register(ast.KindImage, t.image)
	r.Register(ast.KindLink, t.link)
	r.Register(ast.KindAutoLink, t.autoLink)
	r.Register(east.KindTaskCheckBox, t.checkBox)
}

// joiner, WORD JOINER, is what the hub puts into texts so that they do nothing.
const joiner = "\u2060"

var reader = goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser()

// plain is what a line of Markdown says, without its marks.
func plain(source string) string {
	line := strings.Join(strings.Fields(source), " ")
	if endless(line) {
		return line
	}
	raw := []byte(joiner + line) // so that it begins no list, heading or the like
	var b strings.Builder
	tree := reader.Parse(gtext.NewReader(raw))
	_ = ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			said := n.Value(raw)
			if n.Parent().Kind() != ast.KindCodeSpan {
				said = util.ResolveEntityNames(util.ResolveNumericReferences(util.UnescapePunctuations(said)))
			}
			b.Write(said)
		case *ast.AutoLink:
			b.Write(n.Label(raw))
		case *ast.RawHTML:
			if tag := string(n.Segments.Value(raw)); !strings.HasPrefix(tag, "<!--") && !allowed.MatchString(tag) {
				b.WriteString(tag)
			}
		}
		return ast.WalkContinue, nil
	})
	return strings.Join(strings.Fields(strings.ReplaceAll(b.String(), joiner, "")), " ")
}

var (
	tags    = regexp.MustCompile(`(?s)<!--.*?(?:-->|$)|</?[A-Za-z][^<>]*>`)
	allowed = regexp.MustCompile(`(?i)^</?(?:br|kbd|sub|sup|details|summary)\s*/?>$`)
)

// harmless leaves the tags that are allowed, takes out comments, and shows the rest.
func harmless(source string) string {
	var b strings.Builder
	last := 0
	for _, at := range tags.FindAllStringIndex(source, -1) {
		b.WriteString(html.EscapeString(source[last:at[0]]))
		switch tag := source[at[0]:at[1]]; {
		case strings.HasPrefix(tag, "<!--"):
		case allowed.MatchString(tag):
			b.WriteString(tag)
		default:
			b.WriteString(html.EscapeString(tag))
		}
		last = at[1]
	}
	b.WriteString(html.EscapeString(source[last:]))
	return b.String()
}

func (t text) rawHTML(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		_, _ = w.WriteString(harmless(string(n.(*ast.RawHTML).Segments.Value(source))))
	}
	return ast.WalkSkipChildren, nil
}

func (t text) htmlBlock(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	block := n.(*ast.HTMLBlock)
	raw := string(block.Lines().Value(source))
	if block.HasClosure() {
		raw += string(block.ClosureLine.Value(source))
	}
	_, _ = w.WriteString(harmless(raw))
	return ast.WalkContinue, nil
}

// address is where a link leads, or nothing if it must not.
func (t text) address(destination string) string {
	to, err := url.Parse(strings.TrimSpace(destination))
	if err != nil {
		return ""
	}
	switch strings.ToLower(to.Scheme) {
	case "http", "https", "mailto":
		return to.String()
	case "":
	default:
		return ""
	}
	switch {
	case to.Host != "" || strings.HasPrefix(to.Path, "/") || to.Path == "" || t.base == "":
		return to.String()
	default:
		to.Path = path.Join(t.base, to.Path)
		return to.String()
	}
}

func (t text) open(w util.BufWriter, address, title, class string) {
	_, _ = w.WriteString(`<a rel="nofollow noopener noreferrer"`)
	for _, attribute := range []struct{ name, value string }{{"href", address}, {"title", title}, {"class", class}} {
		if attribute.value != "" {
			_, _ = w.WriteString(" " + attribute.name + `="` + html.EscapeString(attribute.value) + `"`)
		}
	}
	_, _ = w.WriteString(">")
}

func (t text) link(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if link := n.(*ast.Link); entering {
		t.open(w, t.address(string(link.Destination)), string(link.Title), "")
	} else {
		_, _ = w.WriteString("</a>")
	}
	return ast.WalkContinue, nil
}

func (t text) autoLink(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	link := n.(*ast.AutoLink)
	address := string(link.URL(source))
	if link.AutoLinkType == ast.AutoLinkEmail && !strings.HasPrefix(strings.ToLower(address), "mailto:") {
		address = "mailto:" + address
	}
	t.open(w, t.address(address), "", "")
	_, _ = w.WriteString(html.EscapeString(string(link.Label(source))) + "</a>")
	return ast.WalkContinue, nil
}

// image shows an image as a link to it: nothing is loaded from anywhere.
func (t text) image(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if image := n.(*ast.Image); entering {
		t.open(w, t.address(string(image.Destination)), string(image.Title), "image")
		_, _ = w.WriteString("image · ")
		if n.FirstChild() == nil {
			_, _ = w.WriteString(html.EscapeString(path.Base(string(image.Destination))))
		}
	} else {
		_, _ = w.WriteString("</a>")
	}
	return ast.WalkContinue, nil
}

// checkBox shows a box as a button of the boxes' form: a form of its own would not
// be allowed inside a paragraph.
func (t text) checkBox(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	done := n.(*east.TaskCheckBox).IsChecked
	mark := ""
	if done {
		mark = "✓"
	}
	lines := n.Parent().Lines()
	if lines.Len() > 0 {
		if box, ok := t.boxes[lines.At(0).Start]; ok {
			_, _ = w.WriteString(`<button class="box" form="` + boxForm + `" name="box" id="box-` + strconv.Itoa(box.Offset) +
				`" role="checkbox" aria-checked="` + strconv.FormatBool(done) + `" aria-label="` + html.EscapeString(plain(box.Item)) +
				`" value="` + html.EscapeString(boxValue(box)) + `">` + mark + `</button> `)
			return ast.WalkContinue, nil
		}
	}
	_, _ = w.WriteString(`<span class="box" role="img" aria-label="` + map[bool]string{true: "[x]", false: "[ ]"}[done] + `">` + mark + `</span> `)
	return ast.WalkContinue, nil
}

// boxValue says which box a button is for, and what is to become of it.
func boxValue(box gitlab.Box) string {
	wanted := "tick"
	if box.Done {
		wanted = "untick"
	}
	return wanted + " " + strconv.Itoa(box.Offset) + " " + box.Item
}

// parseBox is the reverse of boxValue.
func parseBox(value string) (offset int, item string, tick, ok bool) {
	wanted, rest, _ := strings.Cut(value, " ")
	number, item, _ := strings.Cut(rest, " ")
	offset, err := strconv.Atoi(number)
	return offset, item, wanted == "tick", err == nil && (wanted == "tick" || wanted == "untick")
}
