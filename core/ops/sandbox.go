package ops

import "github.com/eryx-go/eryx/core"

// sandboxNew makes a sandbox of "config", by "factory" if there is one, and answers {"sandbox": id}.
func sandboxNew(s *Service, r *request) (map[string]any, error) {
	config, err := s.readConfig(r)
	if err != nil {
		return nil, err
	}
	if config.Stdin != nil {
		// One reader would be shared by executions that know nothing of each other.
		return nil, &core.Error{Code: core.CodeUnsupported, Message: "a sandbox has no stdin; use a session"}
	}
	maker, err := s.maker(r)
	if err != nil {
		return nil, err
	}
	sandbox, err := maker.NewSandbox(config)
	if err != nil {
		return nil, err
	}
	id := s.NextID()
	s.sandboxes.put(id, sandbox)
	return map[string]any{"sandbox": id}, nil
}

// sandboxTypeStubs answers {"text": the callbacks as Python stubs}.
func sandboxTypeStubs(s *Service, r *request) (map[string]any, error) {
	id, err := r.fields.id("sandbox")
	if err != nil {
		return nil, err
	}
	sandbox, ok := s.sandboxes.get(id)
	if !ok {
		return nil, errClosed("sandbox")
	}
	return map[string]any{"text": sandbox.TypeStubs()}, nil
}

// sandboxExecute runs "code" in a guest of its own.
func sandboxExecute(s *Service, r *request) {
	id, err := r.fields.id("sandbox")
	if err != nil {
		r.finish(nil, err)
		return
	}
	sandbox, ok := s.sandboxes.get(id)
	if !ok {
		r.finish(nil, errClosed("sandbox"))
		return
	}
	r.execute(func(code string, options []core.ExecuteOption) {
		sandbox.Start(r.ctx, code, r.executed, options...)
	})
}

// sandboxClose forgets a sandbox; what it executes goes on.
func sandboxClose(s *Service, r *request) (map[string]any, error) {
	id, err := r.fields.id("sandbox")
	if err != nil {
		return nil, err
	}
	s.sandboxes.take(id)
	return nil, nil
}

// execute reads the source and the options and starts the program.
func (r *request) execute(start func(code string, options []core.ExecuteOption)) {
	code, err := r.fields.text("code")
	if err != nil {
		r.finish(nil, err)
		return
	}
	options, err := r.executeOptions()
	if err != nil {
		r.finish(nil, err)
		return
	}
	start(code, options)
}

// executed finishes an execution's request.
func (r *request) executed(result *core.Result, err error) { r.finish(resultRecord(result), err) }
