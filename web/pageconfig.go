package main

import "net/http"

// pageConfig contains the settings that the page needs for its privacy notice.
type pageConfig struct {
	RetentionDays *int `json:"retentionDays"` // null: pictures are stored until they are erased
}

func (a *api) getPageConfig(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, "application/json", pageConfig{a.retentionDays})
	return nil
}
