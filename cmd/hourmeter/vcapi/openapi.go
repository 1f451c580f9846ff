package vcapi

import (
	"context"
	_ "embed" // for the document
	"net/http"

	"github.com/go-json-experiment/json/jsontext"
)

//go:embed openapi.json
var openAPI string

func (h *Handler) openAPI(context.Context, *request) reply {
	return reply{status: http.StatusOK, body: jsontext.Value(openAPI)}
}
