package ops

import "github.com/eryx-go/eryx/core"

// withSession is an operation on the session that the request names.
func withSession(f func(s *Service, r *request, session *core.Session) (map[string]any, error)) operation {
	return direct(func(s *Service, r *request) (map[string]any, error) {
		session, err := s.session(r)
		if err != nil {
			return nil, err
		}
		return f(s, r, session)
	})
}

// sessionCall calls the guest's function "name" with "args" and "kwargs"; its value is the result's "value".
func sessionCall(s *Service, r *request) {
	session, err := s.session(r)
	if err != nil {
		r.finish(nil, err)
		return
	}
	result, err := callFunction(r, session)
	if result == nil {
		r.finish(nil, err)
		return
	}
	r.finish(resultRecord(result), err)
}

func callFunction(r *request, session *core.Session) (*core.Result, error) {
	name, err := r.fields.text("name")
	if err != nil {
		return nil, err
	}
	args, err := r.fields.list("args")
	if err != nil {
		return nil, err
	}
	kwargs, err := r.fields.mapping("kwargs")
	if err != nil {
		return nil, err
	}
	options, err := r.executeOptions()
	if err != nil {
		return nil, err
	}
	return session.Call(r.ctx, name, args, kwargs.m, options...)
}

// sessionGet answers {"value": the global "name"}.
func sessionGet(_ *Service, r *request, session *core.Session) (map[string]any, error) {
	name, err := r.fields.text("name")
	if err != nil {
		return nil, err
	}
	value, err := session.Get(r.ctx, name)
	return map[string]any{"value": value}, err
}

// sessionSet makes "value" the global "name".
func sessionSet(_ *Service, r *request, session *core.Session) (map[string]any, error) {
	name, err := r.fields.text("name")
	if err != nil {
		return nil, err
	}
	return nil, session.Set(r.ctx, name, r.fields.m["value"])
}

// sessionSetCallbacks replaces the callbacks from the next execution on.
func sessionSetCallbacks(s *Service, r *request, session *core.Session) (map[string]any, error) {
	callbacks, err := s.readCallbacks(r.fields)
	if err != nil {
		return nil, err
	}
	return nil, session.SetCallbacks(callbacks)
}

// sessionSnapshotState answers {"snapshot": bytes, "unsaved": [[name, reason]]}.
func sessionSnapshotState(_ *Service, r *request, session *core.Session) (map[string]any, error) {
	snapshot, unsaved, err := session.SnapshotState(r.ctx)
	return map[string]any{"snapshot": snapshot, "unsaved": unsavedNames(unsaved)}, err
}

// unsavedNames are the globals that a pickle leaves out, as pairs.
func unsavedNames(unsaved []core.Unsaved) []any {
	names := make([]any, len(unsaved))
	for i, u := range unsaved {
		names[i] = []any{u.Name, u.Reason}
	}
	return names
}

// sessionRestoreState merges the globals of "snapshot".
func sessionRestoreState(_ *Service, r *request, session *core.Session) (map[string]any, error) {
	snapshot, err := get[[]byte](r.fields, "snapshot", "bytes")
	if err != nil {
		return nil, err
	}
	return nil, session.RestoreState(r.ctx, snapshot)
}

// sessionSnapshot answers {"image": bytes}: all of the session's memory, or with "kind": "pickle" what
// sessionSnapshotState gives.
func sessionSnapshot(_ *Service, r *request, session *core.Session) (map[string]any, error) {
	kind, err := r.fields.text("kind")
	if err != nil {
		return nil, err
	}
	switch kind {
	case "", "image":
		image, err := session.Snapshot()
		return map[string]any{"image": image}, err
	case "pickle":
		pickle, unsaved, err := session.SnapshotState(r.ctx)
		return map[string]any{"image": pickle, "unsaved": unsavedNames(unsaved)}, err
	}
	return nil, badField("kind", "\"image\" or \"pickle\"", kind)
}

// sessionRestore replaces the session's memory by "image", or merges a pickle.
func sessionRestore(_ *Service, r *request, session *core.Session) (map[string]any, error) {
	image, err := get[[]byte](r.fields, "image", "bytes")
	if err != nil {
		return nil, err
	}
	return nil, session.Restore(image)
}

// sessionFork answers {"session": id} of an independent copy.
func sessionFork(s *Service, _ *request, session *core.Session) (map[string]any, error) {
	child, err := session.Fork()
	if err != nil {
		return nil, err
	}
	return s.keep(child, child.Close), nil
}

// sessionTypeStubs answers {"text": the callbacks as Python stubs}.
func sessionTypeStubs(_ *Service, _ *request, session *core.Session) (map[string]any, error) {
	return map[string]any{"text": session.TypeStubs()}, nil
}
