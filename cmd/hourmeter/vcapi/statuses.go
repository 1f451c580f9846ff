package vcapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// Statuses keeps the status lists of an [Instance]. Implementations are safe for concurrent use.
type Statuses interface {
	// Entries gives the credential with this id, which may be "", a place in the lists, and returns the
	// entries of its credentialStatus, JSON objects. If the id has a place already the error wraps
	// [ErrTaken].
	Entries(id string) ([][]byte, error)
	// Update changes a status. If there is no such credential or purpose the error wraps
	// [ErrNoStatus], and if the status cannot be changed to that any more [ErrFinal].
	Update(u StatusUpdate) error
	// List returns a list, signed. If there is none of this name the error wraps [ErrNoStatus].
	List(name string) ([]byte, error)
}

// A StatusUpdate says what the status of a credential is from now on.
type StatusUpdate struct {
	CredentialID string // "" if Index says which
	List         string // URL of its list, if Index says which
	Index        int    // in the list; -1 if CredentialID says which
	Purpose      string // such as "revocation"
	Value        int    // 1 is revoked or suspended, 0 not
}

// Errors of a [Statuses].
var (
	ErrTaken    = errors.New("a credential of this id has a status already")
	ErrNoStatus = errors.New("there is no such status or list")
	ErrFinal    = errors.New("the status is final")
)

// status answers POST /credentials/status: {"credentialId": "…", "credentialStatus": {"type":
// "BitstringStatusListEntry", "statusPurpose": "revocation"}, "status": true}. Without status it is set.
func (h *Handler) status(_ context.Context, in *request) reply {
	bad := func(detail string) reply { return *problem(http.StatusBadRequest, detail) }
	if in.instance.Statuses == nil {
		return *problem(http.StatusNotImplemented, "this instance keeps no status lists")
	}
	u := StatusUpdate{CredentialID: in.root.Member("credentialId").Text(), Index: -1, Value: 1}
	entry := in.root.Member("credentialStatus")
	if entry.Kind() != strictjson.Object || entry.Member("type").Text() != "BitstringStatusListEntry" {
		return bad("credentialStatus: want an object of type BitstringStatusListEntry")
	}
	if u.Purpose = entry.Member("statusPurpose").Text(); u.Purpose == "" {
		return bad("credentialStatus: statusPurpose: want a string, such as revocation")
	}
	if index := entry.Member("statusListIndex"); index.Exists() {
		n, err := strconv.ParseUint(index.Text(), 10, 31)
		if err != nil {
			return bad("credentialStatus: statusListIndex: want a number in a string")
		}
		u.Index, u.List = int(n), entry.Member("statusListCredential").Text()
	}
	if (u.CredentialID == "") == (u.Index < 0) {
		return bad("want credentialId, or the whole entry as credentialStatus: one of them")
	}
	switch status := in.root.Member("status"); status.Kind() {
	case 0, strictjson.True:
	case strictjson.False:
		u.Value = 0
	default:
		return bad("status: want true or false")
	}
	switch err := in.instance.Statuses.Update(u); {
	case errors.Is(err, ErrNoStatus):
		return *problem(http.StatusNotFound, "this instance gave no such status to such a credential")
	case errors.Is(err, ErrFinal):
		return bad(err.Error())
	case err != nil:
		out := later(http.StatusServiceUnavailable, time.Minute, "the status list cannot be written")
		out.cause = err
		return *out
	}
	return reply{status: http.StatusOK, outcome: "updated", body: map[string]any{"statusPurpose": u.Purpose, "status": u.Value == 1}}
}

// statusList answers GET /status-lists/{list}.
func (h *Handler) statusList(_ context.Context, in *request) reply {
	name := strings.TrimPrefix(in.http.URL.Path, "/status-lists/")
	for _, i := range h.Instances {
		if i.Statuses == nil {
			continue
		}
		list, err := i.Statuses.List(name)
		switch {
		case errors.Is(err, ErrNoStatus):
			continue
		case err != nil:
			out := later(http.StatusServiceUnavailable, time.Minute, "the status list cannot be signed")
			out.cause = err
			return *out
		}
		if len(list) == 0 || list[0] != '{' { // a compact JWT or SD-JWT
			return reply{status: http.StatusOK, mediaType: "application/vc+jwt", body: jsontext.Value(list)}
		}
		return reply{status: http.StatusOK, mediaType: listType(in.http.Header.Get("Accept")), body: jsontext.Value(list)}
	}
	return *problem(http.StatusNotFound, "there is no such list")
}

// listType is the media type of a list, which is application/vc, for a client that asks for that or for
// anything. One that knows only JSON or JSON-LD gets what it knows: it is both.
func listType(accept string) string {
	if !strings.Contains(accept, "application/vc") {
		for _, mediaType := range []string{"application/ld+json", "application/json"} {
			if strings.Contains(accept, mediaType) {
				return mediaType
			}
		}
	}
	return "application/vc"
}
