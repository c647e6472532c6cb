package pages_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// hostile is what somebody may write into a description, a comment or a README.
var hostile = []string{
	`<script>alert(1)</script>`,
	"<script>\nalert(1)\n</script>\n\nsuite",
	`<img src=x onerror=alert(1)>`,
	`<svg/onload=alert(1)>`,
	`<iframe src="https://evil.example/"></iframe>`,
	`<style>*{display:none}</style>`,
	`<link rel=stylesheet href=https://evil.example/x.css>`,
	`<meta http-equiv=refresh content="0;url=https://evil.example/">`,
	`<form action="https://evil.example/"><button>Cliquez</button></form>`,
	`<input form="boxes" name="box" value="x">`,
	`<details open ontoggle=alert(1)>`,
	`<details><summary>plié</summary>`,
	`</div></section></main></body></html>`,
	`<!-- caché --><b onclick=alert(1)>gras</b><!--`,
	`<!--> <script>alert(1)</script> -->`,
	`<br onload=alert(1)>`,
	`<kbd style="position:fixed">`,
	`![pixel](https://evil.example/pixel.png)`,
	`![pixel](data:image/svg+xml;base64,PHN2Zy8+ "titre \" onload=alert(1)")`,
	`[clic](javascript:alert(1))`,
	`[clic](JaVaScRiPt:alert(1))`,
	`[clic](java&#115;cript:alert(1))`,
	`[clic](&#x6A;avascript:alert(1))`,
	"[clic](\x01javascript:alert(1))",
	`[clic](vbscript:x) [clic](data:text/html,<script>alert(1)</script>)`,
	`<javascript:alert(1)>`,
	`[ref][x]` + "\n\n" + `[x]: javascript:alert(1) "a\"><script>"`,
	"[clic](https://example.org/\" onmouseover=alert(1) \")",
	"```html\"><script>alert(1)</script>\n</code></pre><script>alert(1)</script>\n```",
	"`</code><script>alert(1)</script>`",
	"| a |\n|---|\n| <script>alert(1)</script> |",
	`- [ ] "><script>alert(1)</script>`,
	`- [ ] <img src=x onerror=alert(1)>`,
	"\x00<script>alert(1)</script>",
	`&lt;script&gt;alert(1)&lt;/script&gt;`,
	`https://evil.example/"onmouseover="alert(1)`,
	`www.evil.example/<script>`,
}

var (
	element   = regexp.MustCompile(`<(/?)([A-Za-z][A-Za-z0-9-]*)((?:[^<>"']|"[^"]*"|'[^']*')*)>`)
	attribute = regexp.MustCompile(`([A-Za-z:-]+)(?:=("[^"]*"|'[^']*'|[^\s"'>]+))?`)
)

// requireHarmless finds nothing in a page that runs, loads or sends elsewhere.
func requireHarmless(t *testing.T, body, hint string) {
	t.Helper()
	for _, match := range element.FindAllStringSubmatch(body, -1) {
		switch name := strings.ToLower(match[2]); name {
		case "script", "iframe", "img", "svg", "object", "embed", "base", "video", "audio", "b":
			t.Fatalf("%q makes <%s>", hint, name)
		case "meta":
			require.NotContains(t, match[3], "refresh", hint)
		case "link":
			require.Equal(t, ` rel="icon" href="data:,"`, match[3], hint)
		}
		for _, a := range attribute.FindAllStringSubmatch(match[3], -1) {
			name, value := strings.ToLower(a[1]), strings.Trim(a[2], `"'`)
			require.False(t, strings.HasPrefix(name, "on"), "%q makes %s", hint, a[0])
			switch name {
			case "href", "action", "src":
				ok := value == "data:," && name == "href"
				for _, start := range []string{"/", "#", "?", "https://", "http://", "mailto:"} {
					ok = ok || strings.HasPrefix(value, start)
				}
				require.True(t, ok && (name == "href" || strings.HasPrefix(value, "/")) || value == "", "%q makes %s", hint, a[0])
			}
		}
	}
	for _, tag := range []string{"main", "body", "html", "section", "aside"} {
		require.Equal(t, 1, strings.Count(body, "</"+tag+">"), "%q closes %s", hint, tag)
	}
	require.Equal(t, 1, strings.Count(body, "<style>"), hint)
}

func TestHostileTexts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, text := range hostile {
		i, err := b.server.OpenIssue(tracking, "passerelle", "Titre "+text[:min(len(text), 100)], text, "l"+strings.ReplaceAll(text, ",", ""))
		require.NoError(t, err)
		require.NoError(t, b.server.Comment(tracking, i.IID, "", text))
		require.NoError(t, b.server.EditTitle(tracking, i.IID, "", "Autre "+text[:min(len(text), 100)]))
		b.issue = i
		a := b.get(t, b.issuePath(""))
		require.Equal(t, 200, a.status)
		requireHarmless(t, a.body, text)
		policy := a.header.Get("Content-Security-Policy")
		require.Contains(t, policy, "default-src 'none'")
		require.Contains(t, policy, "form-action 'self'")
		require.NotContains(t, policy, "script-src 'unsafe")
	}
	requireHarmless(t, b.read(t, "/"+tracking+"/-/issues")+"<section></section><aside></aside>", "list")

	all := strings.Join(hostile, "\n\n")
	require.NoError(t, b.server.CommitFiles(sandbox, "", all, map[string]string{"README.md": all, "x<script>.html": all, `a"onclick=alert(1) b.md`: all}))
	for _, path := range []string{"", "/-/blob/main/README.md", "/-/blob/main/x%3Cscript%3E.html", "/-/commits/main", "/-/blob/main/a%22onclick=alert%281%29%20b.md"} {
		requireHarmless(t, b.read(t, "/"+sandbox+path)+"<section></section><aside></aside>", path)
	}
	raw := b.get(t, "/"+sandbox+"/-/raw/main/x%3Cscript%3E.html")
	require.Equal(t, "text/plain; charset=utf-8", raw.header.Get("Content-Type"))
	require.Equal(t, "nosniff", raw.header.Get("X-Content-Type-Options"))
	require.Contains(t, raw.header.Get("Content-Security-Policy"), "sandbox")
}

// TestEndlessTexts renders what would keep a parser busy.
func TestEndlessTexts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, text := range []string{
		strings.Repeat(">", 100_000), strings.Repeat("> ", 50_000) + "a", strings.Repeat("- ", 50_000) + "a", strings.Repeat("[", 50_000),
		strings.Repeat("*a **b ", 20_000), strings.Repeat("`", 50_000), strings.Repeat("![", 50_000), strings.Repeat("<", 100_000),
		strings.Repeat("[a](", 30_000), strings.Repeat("<!--", 30_000), strings.Repeat("a_", 60_000), strings.Repeat("| ", 50_000) + "\n" + strings.Repeat("|-", 50_000),
		strings.Repeat("x\n", 400_000), strings.Repeat("[x]: y\n", 20_000), strings.Repeat("&#", 60_000), strings.Repeat("~~", 60_000), strings.Repeat("[]", 50_000),
	} {
		i, err := b.server.OpenIssue(tracking, "passerelle", "Long", text)
		require.NoError(t, err)
		b.issue = i
		require.Equal(t, 200, b.get(t, b.issuePath("")).status)
	}
}
