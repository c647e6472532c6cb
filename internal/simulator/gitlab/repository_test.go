package gitlab_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	client "github.com/xanzy/go-gitlab"

	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
)

func TestCommitOfSeveralFiles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.project(t, "un")
	require.Equal(t, 404, b.call(t, http.MethodGet, "/projects/programme%2Fun/repository/tree", nil).status)
	action := func(kind client.FileActionValue, path, content string) *client.CommitActionOptions {
		return &client.CommitActionOptions{Action: &kind, FilePath: &path, Content: &content}
	}
	commit := func(actions ...*client.CommitActionOptions) (*client.Commit, error) {
		m, _, err := b.client.Commits.CreateCommit(p.ID, &client.CreateCommitOptions{
			Branch: new("main"), CommitMessage: new("Un sujet\n\nUn corps"), Actions: actions,
		})
		return m, err
	}
	encoded := action(client.FileCreate, "src/b.bin", base64.StdEncoding.EncodeToString([]byte{0, 255}))
	encoded.Encoding = new("base64")
	first, err := commit(action(client.FileCreate, "README.md", "# Été\n"), encoded)
	require.NoError(t, err)
	require.Equal(t, "Un sujet", first.Title)
	require.Equal(t, map[string]string{"README.md": "# Été\n", "src/b.bin": "\x00\xff"}, b.server.Files("programme/un"))

	at := "/projects/programme%2Fun/repository/commits"
	one := func(kind, path string) obj {
		return obj{"branch": "main", "commit_message": "x", "actions": []obj{{"action": kind, "file_path": "neuf.md", "content": ""}, {"action": kind, "file_path": path, "content": ""}}[1:]}
	}
	twice := b.call(t, http.MethodPost, at, one("create", "README.md"))
	require.Equal(t, 400, twice.status)
	require.JSONEq(t, `{"message":"A file with this name already exists"}`, twice.body)
	require.JSONEq(t, `{"message":"A file with this name doesn't exist"}`, b.call(t, http.MethodPost, at, one("update", "rien")).body)
	require.JSONEq(t, `{"message":"A file with this name doesn't exist"}`, b.call(t, http.MethodPost, at, one("delete", "rien")).body)
	require.Equal(t, 400, b.call(t, http.MethodPost, at, one("create", "../x")).status)
	require.Equal(t, 400, b.call(t, http.MethodPost, at, obj{"branch": "main", "commit_message": "x"}).status)
	require.JSONEq(t, `{"message":"You can only create or edit files when you are on a branch"}`,
		b.call(t, http.MethodPost, at, obj{"branch": "autre", "commit_message": "x", "actions": []obj{{"action": "create", "file_path": "a"}}}).body)

	// All or nothing.
	_, err = commit(action(client.FileCreate, "neuf.md", ""), action(client.FileCreate, "README.md", ""))
	require.ErrorContains(t, err, "A file with this name already exists")
	require.NotContains(t, b.server.Files("programme/un"), "neuf.md")

	move := action(client.FileMove, "src/c.bin", "")
	move.Content, move.PreviousPath = nil, new("src/b.bin")
	second, err := commit(action(client.FileUpdate, "README.md", "# Hiver\n"), move, action(client.FileCreate, "x", "y"))
	require.NoError(t, err)
	require.Equal(t, []string{first.ID}, second.ParentIDs)
	_, err = commit(action(client.FileDelete, "x", ""))
	require.NoError(t, err)
	require.Equal(t, map[string]string{"README.md": "# Hiver\n", "src/c.bin": "\x00\xff"}, b.server.Files("programme/un"))

	history, _, err := b.client.Commits.ListCommits(p.ID, nil)
	require.NoError(t, err)
	require.Len(t, history, 3)
	about, _, err := b.client.Commits.ListCommits(p.ID, &client.ListCommitsOptions{Path: new("README.md")})
	require.NoError(t, err)
	require.Len(t, about, 2)
}

func TestFirstCommitNamesTheBranch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.project(t, "un")
	a := b.call(t, http.MethodPost, "/projects/programme%2Fun/repository/files/a%2Fb.md", obj{"branch": "trunk", "commit_message": "x", "content": "c"})
	require.Equal(t, 201, a.status)
	require.JSONEq(t, `{"file_path":"a/b.md","branch":"trunk"}`, a.body)
	p := b.call(t, http.MethodGet, "/projects/programme%2Fun", nil).json(t)
	require.Equal(t, "trunk", p["default_branch"])
	require.Equal(t, false, p["empty_repo"])
}

func TestReadFiles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.project(t, "un")
	require.NoError(t, b.server.CommitFiles("programme/un", "", "x", map[string]string{"README.md": "# Été\n", "src/a/b.go": "package a\n", "src/c.go": ""}))

	f, _, err := b.client.RepositoryFiles.GetFile(p.ID, "src/a/b.go", &client.GetFileOptions{Ref: new("main")})
	require.NoError(t, err)
	require.Equal(t, "b.go", f.FileName)
	require.Equal(t, base64.StdEncoding.EncodeToString([]byte("package a\n")), f.Content)
	raw, _, err := b.client.RepositoryFiles.GetRawFile(p.ID, "README.md", nil)
	require.NoError(t, err)
	require.Equal(t, "# Été\n", string(raw))
	meta, _, err := b.client.RepositoryFiles.GetFileMetaData(p.ID, "README.md", &client.GetFileMetaDataOptions{Ref: new("main")})
	require.NoError(t, err)
	require.Equal(t, 8, meta.Size)
	missing := b.call(t, http.MethodGet, "/projects/programme%2Fun/repository/files/rien?ref=main", nil)
	require.Equal(t, 404, missing.status)
	require.JSONEq(t, `{"message":"404 File Not Found"}`, missing.body)
	require.JSONEq(t, `{"message":"404 Commit Not Found"}`, b.call(t, http.MethodGet, "/projects/programme%2Fun/repository/files/README.md?ref=rien", nil).body)

	tree := func(options client.ListTreeOptions) []string {
		nodes, _, err := b.client.Repositories.ListTree(p.ID, &options)
		require.NoError(t, err)
		var paths []string
		for _, n := range nodes {
			paths = append(paths, n.Type+" "+n.Path)
		}
		return paths
	}
	require.Equal(t, []string{"tree src", "blob README.md"}, tree(client.ListTreeOptions{}))
	require.Equal(t, []string{"tree src/a", "blob src/c.go"}, tree(client.ListTreeOptions{Path: new("src")}))
	require.Equal(t, []string{"tree src", "tree src/a", "blob README.md", "blob src/a/b.go", "blob src/c.go"}, tree(client.ListTreeOptions{Recursive: new(true)}))

	_, _, err = b.client.RepositoryFiles.UpdateFile(p.ID, "README.md", &client.UpdateFileOptions{Branch: new("main"), CommitMessage: new("x"), Content: new("neuf"), LastCommitID: &f.LastCommitID})
	require.NoError(t, err)
	_, _, err = b.client.RepositoryFiles.UpdateFile(p.ID, "README.md", &client.UpdateFileOptions{Branch: new("main"), CommitMessage: new("x"), Content: new("vieux"), LastCommitID: &f.LastCommitID})
	require.ErrorContains(t, err, "has changed since you started editing it")
	_, err = b.client.RepositoryFiles.DeleteFile(p.ID, "src/c.go", &client.DeleteFileOptions{Branch: new("main"), CommitMessage: new("x")})
	require.NoError(t, err)

	_, _, err = b.client.Branches.CreateBranch(p.ID, &client.CreateBranchOptions{Branch: new("essai/un"), Ref: new("main")})
	require.NoError(t, err)
	branch, _, err := b.client.Branches.GetBranch(p.ID, "essai/un")
	require.NoError(t, err)
	require.False(t, branch.Default)
	branches, _, err := b.client.Branches.ListBranches(p.ID, nil)
	require.NoError(t, err)
	require.Len(t, branches, 2)

	dev := b.server.AddUser("dev", false)
	require.NoError(t, b.server.AddProjectMember("programme/un", "dev", gitlab.Developer))
	a := b.callAs(t, dev, http.MethodPost, fmt.Sprintf("/projects/%d/repository/files/x", p.ID), obj{"branch": "main", "commit_message": "x", "content": ""})
	require.Equal(t, 403, a.status, "the default branch is protected")
}
