package gitlab

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"unicode/utf8"

	gl "github.com/xanzy/go-gitlab"
)

// File is a file to create in a repository.
type File struct {
	Path, Content string
	Executable    bool
}

// CommitFiles creates files in one commit. In an empty repository it creates the
// branch too. IsTaken tells a failure because one of the files exists.
func (c *Client) CommitFiles(ctx context.Context, projectID int64, branch, message string, files []File) (commitSHA, url string, err error) {
	op := operation{name: "commit files", method: http.MethodPost, subject: fmt.Sprintf("project %d", projectID)}
	options := &gl.CreateCommitOptions{
		Branch:        new(branch),
		CommitMessage: new(message),
		Actions:       make([]*gl.CommitActionOptions, 0, len(files)),
	}
	for _, file := range files {
		action := &gl.CommitActionOptions{
			Action:   new(gl.FileCreate),
			FilePath: new(file.Path),
			Content:  new(file.Content),
		}
		if !utf8.ValidString(file.Content) { // JSON cannot carry it
			action.Content = new(base64.StdEncoding.EncodeToString([]byte(file.Content)))
			action.Encoding = new("base64")
		}
		if file.Executable {
			// The REST documentation has this for "chmod" alone; Gitaly, which
			// makes the commit, takes it for "create" as well.
			action.ExecuteFilemode = new(true)
		}
		options.Actions = append(options.Actions, action)
	}
	var answer struct {
		ID     string `json:"id"`
		WebURL string `json:"web_url"`
	}
	if _, err := c.call(ctx, op, fmt.Sprintf("projects/%d/repository/commits", projectID), options, &answer); err != nil {
		return "", "", err
	}
	if answer.ID == "" {
		return "", "", c.unreadable(op, nil)
	}
	return answer.ID, answer.WebURL, nil
}
