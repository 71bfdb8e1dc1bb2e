"""scheduler: an operating-system kernel in the manner of Richards: classes, queues, state, dispatch."""

IDLE, WORKER, HANDLER_A, HANDLER_B, DEVICE_A, DEVICE_B = range(6)
WORK, DEVICE = range(2)


class Packet:
    __slots__ = ("link", "owner", "kind", "datum", "data")

    def __init__(self, link, owner, kind):
        self.link, self.owner, self.kind = link, owner, kind
        self.datum = 0
        self.data = [0] * 4

    def append_to(self, queue):
        """The queue with this packet at its end."""
        self.link = None
        if queue is None:
            return self
        last = queue
        while last.link is not None:
            last = last.link
        last.link = self
        return queue


class Task:
    def __init__(self, kernel, ident, priority, queue):
        self.kernel, self.ident, self.priority, self.queue = kernel, ident, priority, queue
        self.held = self.waiting = False
        self.ready = queue is not None
        kernel.add(self)

    def accept(self, packet, sender):
        """Queue a packet; the task to run next."""
        self.queue = packet.append_to(self.queue)
        self.ready = True
        return self if self.priority > sender.priority else sender

    def step(self):
        packet = None
        if self.waiting and self.ready:
            packet, self.queue = self.queue, self.queue.link
            self.waiting = False
            self.ready = self.queue is not None
        return self.work(packet)

    def blocked(self):
        return self.held or (self.waiting and not self.ready)

    def work(self, packet):
        raise NotImplementedError


class IdleTask(Task):
    def __init__(self, kernel, rounds):
        super().__init__(kernel, IDLE, 0, None)
        self.control, self.rounds = 1, rounds

    def work(self, packet):
        self.rounds -= 1
        if self.rounds <= 0:
            return self.kernel.hold()
        if self.control & 1 == 0:
            self.control >>= 1
            return self.kernel.release(DEVICE_A)
        self.control = self.control >> 1 ^ 0xD008
        return self.kernel.release(DEVICE_B)


class WorkerTask(Task):
    def __init__(self, kernel, queue):
        super().__init__(kernel, WORKER, 1000, queue)
        self.target, self.letter = HANDLER_A, 0

    def work(self, packet):
        if packet is None:
            return self.kernel.wait()
        self.target = HANDLER_B if self.target == HANDLER_A else HANDLER_A
        packet.owner, packet.datum = self.target, 0
        for i in range(4):
            self.letter = self.letter % 26 + 1
            packet.data[i] = 64 + self.letter
        return self.kernel.send(packet)


class HandlerTask(Task):
    def __init__(self, kernel, ident, priority, queue, device):
        super().__init__(kernel, ident, priority, queue)
        self.device, self.works, self.devices = device, None, None

    def work(self, packet):
        if packet is not None:
            if packet.kind == WORK:
                self.works = packet.append_to(self.works)
            else:
                self.devices = packet.append_to(self.devices)
        job = self.works
        if job is None:
            return self.kernel.wait()
        if job.datum >= 4:
            self.works, job.owner = job.link, WORKER
            return self.kernel.send(job)
        device_packet = self.devices
        if device_packet is None:
            return self.kernel.wait()
        self.devices = device_packet.link
        device_packet.datum, device_packet.owner = job.data[job.datum], self.device
        job.datum += 1
        return self.kernel.send(device_packet)


class DeviceTask(Task):
    def __init__(self, kernel, ident, priority, handler):
        super().__init__(kernel, ident, priority, None)
        self.pending, self.handler = None, handler

    def work(self, packet):
        if packet is not None:
            self.pending = packet
            return self.kernel.hold()
        if self.pending is None:
            return self.kernel.wait()
        done, self.pending = self.pending, None
        done.owner = self.handler
        return self.kernel.send(done)


class Kernel:
    def __init__(self):
        self.tasks, self.by_priority, self.current = {}, [], None
        self.sent = self.holds = 0

    def add(self, task):
        self.tasks[task.ident] = task
        self.by_priority.append(task)
        self.by_priority.sort(key=lambda t: -t.priority)

    def next_task(self):
        for task in self.by_priority:
            if not task.blocked():
                return task
        return None

    def hold(self):
        self.holds += 1
        self.current.held = True
        return self.next_task()

    def release(self, ident):
        task = self.tasks[ident]
        task.held = False
        return task if task.priority > self.current.priority else self.current

    def wait(self):
        self.current.waiting = True
        return self.current if self.current.ready else self.next_task()

    def send(self, packet):
        self.sent += 1
        sender = self.current
        return self.tasks[packet.owner].accept(packet, sender)

    def loop(self):
        task = self.next_task()
        while task is not None:
            if task.blocked():
                task = self.next_task()
                continue
            self.current = task
            task = task.step()


def packets(owner, kind, count):
    queue = None
    for _ in range(count):
        queue = Packet(queue, owner, kind)
    return queue


def run():
    kernel = Kernel()
    IdleTask(kernel, 20000)
    WorkerTask(kernel, packets(WORKER, WORK, 2))
    HandlerTask(kernel, HANDLER_A, 2000, packets(DEVICE_A, DEVICE, 3), DEVICE_A)
    HandlerTask(kernel, HANDLER_B, 3000, packets(DEVICE_B, DEVICE, 3), DEVICE_B)
    DeviceTask(kernel, DEVICE_A, 4000, HANDLER_A)
    DeviceTask(kernel, DEVICE_B, 5000, HANDLER_B)
    kernel.loop()
    print(f"scheduler {kernel.sent} {kernel.holds}")
