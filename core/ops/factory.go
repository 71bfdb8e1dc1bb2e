package ops

import "github.com/eryx-go/eryx/core"

// maker is what sandboxes and sessions are made by: the runtime, or a factory.
type maker interface {
	NewSandbox(core.Config) (*core.Sandbox, error)
	NewSession(core.Config) (*core.Session, error)
	NewSessionFrom([]byte, core.Config) (*core.Session, error)
}

// maker is the one that the request names by "factory", or the runtime.
func (s *Service) maker(r *request) (maker, error) {
	factory, err := s.optionalFactory(r)
	if err != nil {
		return nil, err
	}
	if factory != nil {
		return factory, nil
	}
	return s.runtime(r)
}

// optionalFactory is the factory that the request names, nil when it names none.
func (s *Service) optionalFactory(r *request) (*core.Factory, error) {
	if r.fields.m["factory"] == nil {
		return nil, nil
	}
	return s.factory(r)
}

func (s *Service) factory(r *request) (*core.Factory, error) {
	id, err := r.fields.id("factory")
	if err != nil {
		return nil, err
	}
	factory, ok := s.factories.get(id)
	if !ok {
		return nil, errClosed("factory")
	}
	return factory, nil
}

// withFactory is an operation on the factory that the request names.
func withFactory(f func(r *request, factory *core.Factory) (map[string]any, error)) operation {
	return direct(func(s *Service, r *request) (map[string]any, error) {
		factory, err := s.factory(r)
		if err != nil {
			return nil, err
		}
		return f(r, factory)
	})
}

// factoryNew builds a factory and answers {"factory": id, "size_bytes": n}.
func factoryNew(s *Service, r *request) (map[string]any, error) {
	config, err := s.readFactoryConfig(r)
	if err != nil {
		return nil, err
	}
	rt, err := s.runtime(r)
	if err != nil {
		return nil, err
	}
	factory, err := rt.NewFactory(r.ctx, config)
	return s.keepFactory(factory, err)
}

func (s *Service) readFactoryConfig(r *request) (c core.FactoryConfig, err error) {
	f, err := r.fields.mapping("config")
	if err == nil {
		err = f.only("config", "packages requirements lock_file imports setup_code callbacks libraries limits")
	}
	if err != nil {
		return c, err
	}
	if c.Packages, err = readPackages(f); err != nil {
		return c, err
	}
	if c.Requirements, err = f.texts("requirements"); err != nil {
		return c, err
	}
	if c.Resolve.LockFile, err = f.text("lock_file"); err != nil {
		return c, err
	}
	if c.Imports, err = f.texts("imports"); err != nil {
		return c, err
	}
	if c.SetupCode, err = f.text("setup_code"); err != nil {
		return c, err
	}
	if c.Callbacks, err = s.readCallbacks(f); err != nil {
		return c, err
	}
	if c.Libraries, err = s.readLibraries(f); err != nil {
		return c, err
	}
	c.Limits, err = readLimits(f)
	return c, err
}

func (s *Service) keepFactory(factory *core.Factory, err error) (map[string]any, error) {
	if err != nil {
		return nil, err
	}
	id := s.NextID()
	s.factories.put(id, factory)
	return map[string]any{"factory": id, "size_bytes": factory.SizeBytes()}, nil
}

// factoryLoad is factoryNew from "data", or from the file at "path", that a factory has saved.
func factoryLoad(s *Service, r *request) (map[string]any, error) {
	path, err := r.fields.text("path")
	if err != nil {
		return nil, err
	}
	data, err := get[[]byte](r.fields, "data", "bytes")
	if err != nil {
		return nil, err
	}
	rt, err := s.runtime(r)
	if err != nil {
		return nil, err
	}
	if data != nil {
		return s.keepFactory(rt.LoadFactoryBytes(data))
	}
	return s.keepFactory(rt.LoadFactory(path))
}

// factorySave writes a factory to the file at "path".
func factorySave(r *request, factory *core.Factory) (map[string]any, error) {
	path, err := r.fields.text("path")
	if err != nil {
		return nil, err
	}
	return nil, factory.Save(path)
}

// factoryBytes answers {"data": bytes}.
func factoryBytes(_ *request, factory *core.Factory) (map[string]any, error) {
	data, err := factory.Bytes()
	return map[string]any{"data": data}, err
}

// factoryClose closes a factory; what it made lives on.
func factoryClose(s *Service, r *request) (map[string]any, error) {
	id, err := r.fields.id("factory")
	if err != nil {
		return nil, err
	}
	if factory, ok := s.factories.take(id); ok {
		return nil, factory.Close()
	}
	return nil, nil
}
