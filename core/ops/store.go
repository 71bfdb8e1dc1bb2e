package ops

import "github.com/eryx-go/eryx/core"

// optionalStore is the session store that the request names, nil when it names none.
func (s *Service) optionalStore(r *request) (*core.SessionStore, error) {
	if r.fields.m["store"] == nil {
		return nil, nil
	}
	return s.store(r)
}

func (s *Service) store(r *request) (*core.SessionStore, error) {
	id, err := r.fields.id("store")
	if err != nil {
		return nil, err
	}
	store, ok := s.stores.get(id)
	if !ok {
		return nil, errClosed("session store")
	}
	return store, nil
}

// storeNew makes a session store and answers {"store": id}.
func storeNew(s *Service, r *request) (map[string]any, error) {
	var c core.StoreConfig
	count, err := r.fields.integer("max_resident")
	if err != nil {
		return nil, err
	}
	if c.Directory, err = r.fields.text("directory"); err != nil {
		return nil, err
	}
	if c.MaxDiskBytes, err = r.fields.integer("max_disk_bytes"); err != nil {
		return nil, err
	}
	c.MaxResident = int(count)
	rt, err := s.runtime(r)
	if err != nil {
		return nil, err
	}
	store, err := rt.NewSessionStore(c)
	if err != nil {
		return nil, err
	}
	id := s.NextID()
	s.stores.put(id, store)
	return map[string]any{"store": id}, nil
}

// storeStats answers what the store holds.
func storeStats(s *Service, r *request) (map[string]any, error) {
	store, err := s.store(r)
	if err != nil {
		return nil, err
	}
	stats := store.Stats()
	return map[string]any{
		"session_count": stats.Sessions, "resident_count": stats.Resident, "on_disk_count": stats.OnDisk,
		"disk_bytes": stats.DiskBytes, "total_moved": stats.TotalMoved, "total_returned": stats.TotalReturned,
	}, nil
}

// storeClose closes a store and its sessions.
func storeClose(s *Service, r *request) (map[string]any, error) {
	id, err := r.fields.id("store")
	if err != nil {
		return nil, err
	}
	if store, ok := s.stores.take(id); ok {
		return nil, store.Close()
	}
	return nil, nil
}
