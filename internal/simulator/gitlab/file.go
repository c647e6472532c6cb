package gitlab

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"path"
	"strconv"
)

// file finds the file that a request names, at the commit that it names.
func (c *call) file() (*project, file, *commit, error) {
	p, err := c.project()
	if err != nil {
		return nil, file{}, nil, err
	}
	at := p.repository.at(c.ref(p, "ref"))
	if at == nil {
		return nil, file{}, nil, notFound("Commit")
	}
	f, ok := at.files[c.value("file_path")]
	if !ok {
		return nil, file{}, nil, notFound("File")
	}
	return p, f, at, nil
}

func (c *call) getFile() (any, error) {
	p, f, at, err := c.file()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(f.content)
	attributes := obj{
		"file_name": path.Base(c.value("file_path")), "file_path": c.value("file_path"), "size": len(f.content),
		"encoding": "base64", "content_sha256": hex.EncodeToString(sum[:]), "ref": c.ref(p, "ref"), "blob_id": f.blob(),
		"commit_id": at.id, "last_commit_id": f.lastCommit, "execute_filemode": f.executable,
	}
	c.fileHeaders(attributes)
	attributes["content"] = base64.StdEncoding.EncodeToString(f.content)
	return attributes, nil
}

// fileHeaders repeat the attributes, for HEAD and raw requests.
func (c *call) fileHeaders(attributes obj) {
	for name, header := range map[string]string{
		"blob_id": "X-Gitlab-Blob-Id", "commit_id": "X-Gitlab-Commit-Id", "content_sha256": "X-Gitlab-Content-Sha256",
		"encoding": "X-Gitlab-Encoding", "file_name": "X-Gitlab-File-Name", "file_path": "X-Gitlab-File-Path",
		"last_commit_id": "X-Gitlab-Last-Commit-Id", "ref": "X-Gitlab-Ref",
	} {
		c.header.Set(header, attributes[name].(string))
	}
	c.header.Set("X-Gitlab-Size", strconv.Itoa(attributes["size"].(int)))
	c.header.Set("X-Gitlab-Execute-Filemode", strconv.FormatBool(attributes["execute_filemode"].(bool)))
}

func (c *call) getRawFile() (any, error) {
	if _, err := c.getFile(); err != nil {
		return nil, err
	}
	_, f, _, err := c.file()
	return raw{"text/plain; charset=utf-8", f.content}, err
}

// change makes a commit of one file.
func (c *call) change(action string, status int) (any, error) {
	p, err := c.writable()
	if err != nil {
		return nil, err
	}
	names := []string{"branch", "commit_message"}
	if action != "delete" {
		names = append(names, "content")
	}
	var absent []string
	for _, name := range names {
		if !c.has(name) {
			absent = append(absent, name)
		}
	}
	if absent != nil {
		return nil, missing(absent...)
	}
	do, err := c.commitAction(action, c.value("file_path"))
	if err != nil {
		return nil, err
	}
	if _, err := c.make(p, []commitAction{do}); err != nil {
		return nil, err
	}
	c.status = status
	if status == http.StatusNoContent {
		return nil, nil
	}
	return obj{"file_path": c.value("file_path"), "branch": c.str("branch")}, nil
}

func (c *call) postFile() (any, error)   { return c.change("create", http.StatusCreated) }
func (c *call) putFile() (any, error)    { return c.change("update", http.StatusOK) }
func (c *call) deleteFile() (any, error) { return c.change("delete", http.StatusNoContent) }
