package cosmosdb

import (
	"bytes"
	"fmt"

	"go.etcd.io/bbolt"
)

// bbolt writes a changed page to a new place in the file. The old page is then free, but keeps the bytes of replaced
// documents until bbolt uses the page again. eraseFreePages overwrites all free pages.
func (s *Server) eraseFreePages() error {
	s.readers.Lock() // an open read transaction may use a page that a later write made free
	defer s.readers.Unlock()
	tx, err := s.db.Begin(true)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := s.overwrite(tx); err != nil {
		return fmt.Errorf("overwriting replaced documents: %w", err)
	}
	return nil
}

func (s *Server) overwrite(tx *bbolt.Tx) error {
	size := s.db.Info().PageSize
	zeros, content := make([]byte, size), make([]byte, size)
	for id := 0; ; id++ {
		switch page, err := tx.Page(id); {
		case err != nil:
			return err
		case page == nil: // after the last page
			return s.file.Sync()
		case page.Type != "free":
			continue
		}
		offset := int64(id) * int64(size)
		if n, _ := s.file.ReadAt(content, offset); bytes.Equal(content[:n], zeros) { // reading is cheaper than writing
			continue
		}
		if _, err := s.file.WriteAt(zeros, offset); err != nil {
			return err
		}
	}
}
