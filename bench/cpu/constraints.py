"""constraints: one-way constraint propagation over an object graph, in the manner of DeltaBlue."""

REQUIRED, STRONG, MEDIUM, WEAK = range(4)


class Variable:
    __slots__ = ("name", "value", "writers", "readers", "driver", "mark")

    def __init__(self, name, value=0):
        self.name, self.value = name, value
        self.writers, self.readers = [], []
        self.driver, self.mark = None, 0


class Constraint:
    """Keeps an output variable a function of inputs; weaker ones give way."""

    def __init__(self, strength, output, inputs):
        self.strength, self.output, self.inputs = strength, output, tuple(inputs)
        output.writers.append(self)
        for variable in self.inputs:
            variable.readers.append(self)

    def compute(self):
        raise NotImplementedError

    def execute(self):
        self.output.value = self.compute()


class Stay(Constraint):
    def __init__(self, strength, output):
        super().__init__(strength, output, ())

    def compute(self):
        return self.output.value


class Edit(Constraint):
    def __init__(self, strength, output):
        super().__init__(strength, output, ())
        self.wanted = output.value

    def compute(self):
        return self.wanted


class Equal(Constraint):
    def compute(self):
        return self.inputs[0].value


class Scale(Constraint):
    def compute(self):
        source, factor, offset = self.inputs
        return source.value * factor.value + offset.value


class Planner:
    """Chooses one driver per variable and executes them in dependency order."""

    def __init__(self):
        self.variables, self.mark, self.executed = [], 0, 0

    def variable(self, name, value=0):
        made = Variable(name, value)
        self.variables.append(made)
        return made

    def remove(self, constraint):
        constraint.output.writers.remove(constraint)
        for variable in constraint.inputs:
            variable.readers.remove(constraint)

    def choose(self):
        for variable in self.variables:
            variable.driver = min(variable.writers, key=lambda c: c.strength, default=None)

    def plan_from(self, changed):
        """Constraints to run after `changed`, each once and after what it reads."""
        self.mark += 1
        order, stack = [], [(changed, iter(changed.readers))]
        changed.mark = self.mark
        while stack:
            variable, readers = stack[-1]
            for constraint in readers:
                output = constraint.output
                if output.driver is constraint and output.mark != self.mark:
                    output.mark = self.mark
                    stack.append((output, iter(output.readers)))
                    break
            else:
                stack.pop()
                order.append(variable)
        order.reverse()
        return [v.driver for v in order if v.driver is not None]

    def execute(self, plan):
        for constraint in plan:
            constraint.execute()
        self.executed += len(plan)


def chain(length, edits):
    """A chain of equalities driven by an edit at its head."""
    planner = Planner()
    links = [planner.variable(f"v{i}") for i in range(length + 1)]
    for before, after in zip(links, links[1:]):
        Equal(REQUIRED, after, [before])
    Stay(STRONG, links[-1])
    edit = Edit(MEDIUM, links[0])
    planner.choose()
    plan = planner.plan_from(links[0])
    for value in range(edits):
        edit.wanted = value
        planner.execute(plan)
        if links[-1].value != value:
            raise AssertionError("chain broke")
    planner.remove(edit)
    return planner.executed


def projection(size, edits):
    """Two columns kept as destination = source * scale + offset, re-planned at each edit."""
    planner = Planner()
    scale, offset = planner.variable("scale", 10), planner.variable("offset", 1000)
    total = 0
    sources, targets = [], []
    for i in range(size):
        source, target = planner.variable(f"s{i}", i), planner.variable(f"t{i}", i)
        Stay(WEAK, source)
        Scale(REQUIRED, target, [source, scale, offset])
        sources.append(source)
        targets.append(target)
    for step in range(edits):
        for variable in (scale, offset, sources[step % size]):
            edit = Edit(STRONG, variable)
            planner.choose()
            edit.wanted = step + 3
            planner.execute(planner.plan_from(variable))
            planner.remove(edit)
        total += sum(t.value for t in targets)
    return planner.executed, total


def run():
    links = chain(800, 200)
    executed, total = projection(200, 200)
    print(f"constraints {links} {executed} {total}")
