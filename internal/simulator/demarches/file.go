package demarches

import (
	"crypto/md5" // what DS publishes as a file's checksum
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// file is an attachment that was received.
type file struct {
	Attachment
	key      string // unguessable enough for a simulator: serial and digest
	checksum string
	at       time.Time
}

// shelf holds the files' contents for download.
type shelf struct {
	mu    sync.RWMutex
	files map[string]*file
}

// newFiles makes files that nobody can download yet.
func (s *Server) newFiles(attachments []Attachment) []*file {
	files := make([]*file, 0, len(attachments))
	for _, a := range attachments {
		a.Content = slices.Clone(a.Content)
		digest := md5.Sum(a.Content)
		f := &file{
			Attachment: a,
			key:        fmt.Sprintf("%d-%s", s.serial("file"), hex.EncodeToString(digest[:])),
			checksum:   base64.StdEncoding.EncodeToString(digest[:]),
			at:         s.now(),
		}
		files = append(files, f)
	}
	return files
}

// put offers the files of answers for download.
func (s *shelf) put(answers Answers) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for f := range answers.files {
		s.files[f.key] = f
	}
}

// files yields the files of answers, those inside repeated blocks too.
func (a Answers) files(yield func(*file) bool) {
	for _, value := range a {
		switch v := value.(type) {
		case []*file:
			for _, f := range v {
				if !yield(f) {
					return
				}
			}
		case []row:
			for _, r := range v {
				for f := range r.answers.files {
					if !yield(f) {
						return
					}
				}
			}
		}
	}
}

// path is where the file is downloaded, without a token, as with DS's signed addresses.
func (f *file) path() string { return "/fichiers/" + f.key + "/" + url.PathEscape(f.Filename) }

func (s *Server) serveFile(w http.ResponseWriter, r *http.Request) {
	s.shelf.mu.RLock()
	f := s.shelf.files[r.PathValue("key")]
	s.shelf.mu.RUnlock()
	if f == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", f.ContentType)
	w.Header().Set("Content-Disposition", "attachment")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(f.Content)
}
