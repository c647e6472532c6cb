package gitlab

import (
	"cmp"
	"slices"
	"strconv"
)

// discussion is a thread of notes: a comment with what answers it, a comment alone,
// or one of GitLab's own notes.
type discussion struct {
	id    string
	notes []*Note
}

// thread is the number of the note that began a note's discussion.
func (n *Note) thread() int { return cmp.Or(n.Thread, n.ID) }

// DiscussionID names the discussion that a note is part of.
func (n *Note) DiscussionID() string { return hash("discussion", []byte(strconv.Itoa(n.thread()))) }

// kind is what the API calls the type of a note: nothing for a comment alone.
func (n *Note) kind() any {
	if n.Threaded {
		return "DiscussionNote"
	}
	return nil
}

// discussions are those of an issue that a user sees, oldest first.
func (i *issue) discussions(user *User, p *project) []*discussion {
	var list []*discussion
	began := map[int]*discussion{}
	for _, n := range i.notes {
		if n.Internal && level(user, p) < Planner {
			continue
		}
		d := began[n.thread()]
		if d == nil {
			d = &discussion{id: n.DiscussionID()}
			began[n.thread()] = d
			list = append(list, d)
		}
		d.notes = append(d.notes, n)
	}
	return list
}

func (c *call) discussionJSON(p *project, i *issue, d *discussion) any {
	notes := make([]any, len(d.notes))
	for at, n := range d.notes {
		notes[at] = c.noteJSON(p, i, n)
	}
	return obj{"id": d.id, "individual_note": !d.notes[0].Threaded, "notes": notes}
}

func (c *call) listDiscussions() (any, error) {
	p, i, err := c.issue()
	if err != nil {
		return nil, err
	}
	return paged(c, i.discussions(c.user, p), func(d *discussion) any { return c.discussionJSON(p, i, d) })
}

// discussion finds the discussion that a request names.
func (c *call) discussion() (*project, *issue, *discussion, error) {
	p, i, err := c.issue()
	if err != nil {
		return nil, nil, nil, err
	}
	list := i.discussions(c.user, p)
	at := slices.IndexFunc(list, func(d *discussion) bool { return d.id == c.value("discussion_id") })
	if at < 0 {
		return nil, nil, nil, notFound("Discussion")
	}
	return p, i, list[at], nil
}

func (c *call) getDiscussion() (any, error) {
	p, i, d, err := c.discussion()
	if err != nil {
		return nil, err
	}
	return c.discussionJSON(p, i, d), nil
}

// postDiscussion begins a thread. Unlike a comment's, a text of nothing but commands
// is refused, although they are carried out.
func (c *call) postDiscussion() (any, error) {
	p, i, err := c.issue()
	if err != nil {
		return nil, err
	}
	added, err := c.say(p, i, Note{Threaded: true})
	if err != nil {
		return nil, err
	}
	return c.discussionJSON(p, i, &discussion{added.DiscussionID(), []*Note{added}}), nil
}

func (c *call) postDiscussionNote() (any, error) {
	p, i, d, err := c.discussion()
	if err != nil {
		return nil, err
	}
	reply, err := replyTo(d.notes[0])
	if err != nil {
		return nil, err
	}
	added, err := c.say(p, i, reply)
	if err != nil {
		return nil, err
	}
	return c.noteJSON(p, i, added), nil
}

// say posts the text of a request as a part of a discussion.
func (c *call) say(p *project, i *issue, n Note) (*Note, error) {
	if !c.has("body") {
		return nil, missing("body")
	}
	n.Body, n.CreatedAt = c.str("body"), c.time("created_at")
	if err := c.err(); err != nil {
		return nil, err
	}
	added, _, err := c.server.comment(c.user, p, i, n)
	if err == nil && added == nil {
		err = badRequest(`400 Bad request - Note {:commands_only=>["Commands applied"]}`)
	}
	return added, err
}

// replyTo is the note that answers another, without its text.
func replyTo(n *Note) (Note, error) {
	if n.System {
		return Note{}, badRequest("400 Bad request - Discussion can not be replied to")
	}
	return Note{Thread: n.thread(), Threaded: true, Internal: n.Internal}, nil
}
