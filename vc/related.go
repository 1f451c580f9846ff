package vc

import (
	"fmt"

	"github.com/hourmeter/hourmeter/internal/integrity"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// checkDigests compares the resources that relatedResource lists with the digests that it gives of
// them (VCDM 2.0 §5.3), those that are at hand: the contexts that are known, and the resources that
// the caller gives by URL. A resource that nobody here reads cannot mislead anybody here, so the
// digest of another is carried, not checked. That the list has the right form, and a digest for each,
// model.read has seen.
func checkDigests(related strictjson.Value, contexts *Contexts, resources map[string][]byte) error {
	if !related.Exists() {
		return nil
	}
	return each(related, func(o strictjson.Value) error {
		id := o.Member("id").Text()
		text, known := contexts.terms().Document(id)
		if own, ok := resources[id]; ok && !known {
			text, known = string(own), true
		}
		if !known {
			return nil
		}
		for _, name := range []string{"digestSRI", "digestMultibase"} {
			if d := o.Member(name); d.Exists() && d.Text() == "" {
				return fmt.Errorf("relatedResource %.80q: %s: want a string", id, name)
			}
		}
		if err := integrity.Check([]byte(text), o.Member("digestSRI").Text(), o.Member("digestMultibase").Text()); err != nil {
			return fmt.Errorf("relatedResource %.80q: %w", id, err)
		}
		return nil
	})
}
