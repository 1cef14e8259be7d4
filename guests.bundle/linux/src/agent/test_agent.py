#!/usr/bin/env python3
"""Development test of the agent: runs it under qemu-riscv64 (user mode) with a pseudo-terminal as its port.

    ./test_agent.py [AGENT]

The protocol is in protocol.md. What a pseudo-terminal cannot show (a host that goes and comes back) needs a
real virtio console; test_agent.py SOCKET runs the same tests over a Unix socket to one.
"""
import hashlib, os, pty, select, socket, stat, struct, subprocess, sys, time, tty

HEADER = struct.Struct("<4sB3sII")
MAGIC = b"DuA\x01"
HELLO, RUN, KILL, OUT, EXIT, FEED = 1, 2, 3, 4, 5, 6
STARTED, ANSWER, MALFORMED = 0, 1, 2
EXITED, SIGNALLED, NOT_STARTED = 0, 1, 2


def frame(kind, job=0, payload=b""):
    return HEADER.pack(MAGIC, kind, b"\0\0\0", job, len(payload)) + payload


class Host:
    """The host's side of the protocol, over a pseudo-terminal's master or a Unix socket."""

    def __init__(self, fd=-1, socket_path=None):
        self.fd, self.socket_path = fd, socket_path
        if socket_path:
            self.come_back()
        self.input = b""
        self.nonce = int.from_bytes(os.urandom(8), "little") | 1

    def come_back(self):
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.connect(self.socket_path)
        self.fd = self.connection.fileno()

    def go_away(self):
        self.connection.close()
        self.input = b""

    def send(self, data):
        while data:
            data = data[os.write(self.fd, data[:4096]):]

    def more(self, seconds):
        if not select.select([self.fd], [], [], seconds)[0]:
            raise TimeoutError("nothing from the agent; so far " + repr(self.input[:80]))
        data = os.read(self.fd, 65536)
        if not data:
            raise EOFError
        self.input += data

    def receive(self, seconds=20):
        while True:
            if len(self.input) >= 16:
                magic, kind, zero, job, length = HEADER.unpack(self.input[:16])
                assert magic == MAGIC and zero == b"\0\0\0", self.input[:64]
                assert length <= 65536
                if len(self.input) >= 16 + length:
                    payload = self.input[16:16 + length]
                    self.input = self.input[16 + length:]
                    return kind, job, payload
            self.more(seconds)

    def send_hello(self, version=1):
        self.nonce += 1
        self.send(frame(HELLO, 0, struct.pack("<IIQ", version, 0, self.nonce)))

    def await_answer(self):
        """Skips all bytes up to the answer to the last HELLO, and says HELLO again as protocol.md asks."""
        unasked = [frame(HELLO, 0, struct.pack("<IIQ", 1, reason, 0)) for reason in (STARTED, MALFORMED)]
        self.again = 0
        while True:
            answer = frame(HELLO, 0, struct.pack("<IIQ", 1, ANSWER, self.nonce))
            if answer in self.input:
                self.input = self.input[self.input.index(answer) + len(answer):]
                return
            if any(hello in self.input for hello in unasked):
                self.input = b""
                self.say_again()
            try:
                self.more(3)
            except TimeoutError:
                self.say_again()

    def say_again(self):
        self.again += 1
        assert self.again < 10, "no answer to a HELLO"
        self.send_hello()

    def connect(self):
        self.send_hello()
        self.await_answer()

    def run(self, job, command):
        self.send(frame(RUN, job, command if isinstance(command, bytes) else command.encode()))

    def collect(self, jobs):
        """Output and (kind, code) of each of these jobs."""
        output, ends = {job: b"" for job in jobs}, {}
        while len(ends) < len(jobs):
            kind, job, payload = self.receive()
            assert job in output and job not in ends, (kind, job)
            if kind == OUT:
                assert payload
                output[job] += payload
            else:
                assert kind == EXIT, kind
                ends[job] = struct.unpack("<II", payload)
        return output, ends

    def one(self, command, job=7):
        self.run(job, command)
        output, ends = self.collect([job])
        return output[job], ends[job]

    def expect_hello(self, reason):
        while True:
            kind, job, payload = self.receive()
            if kind == HELLO:
                assert (job, payload) == (0, struct.pack("<IIQ", 1, reason, 0)), payload
                return


def test_output_and_status(host):
    assert host.one("echo hello") == (b"hello\n", (EXITED, 0))
    assert host.one("exit 42") == (b"", (EXITED, 42))
    assert host.one("kill -15 $$") == (b"", (SIGNALLED, 15))
    assert host.one("exec 2>&- >&-; exit 3") == (b"", (EXITED, 3))
    assert host.one("no-such-command 2>/dev/null") == (b"", (EXITED, 127))


def test_streams_are_merged_in_order(host):
    script = "for i in 1 2 3 4 5; do echo out $i; echo err $i >&2; done"
    expected = b"".join(b"out %d\nerr %d\n" % (i, i) for i in range(1, 6))
    assert host.one(script) == (expected, (EXITED, 0))


def test_input_is_empty_and_bytes_are_bytes(host):
    assert host.one("cat") == (b"", (EXITED, 0))
    assert host.one("printf '\\000\\377\\r\\n\\001DuA\\001'") == (b"\0\xff\r\n\x01DuA\x01", (EXITED, 0))
    assert host.one(b"printf %s '\xff\xfe\n\t'") == (b"\xff\xfe\n\t", (EXITED, 0))
    assert host.one("echo a\0b") == (b"", (NOT_STARTED, 22))
    assert host.one("") == (b"", (EXITED, 0))
    long = "x" * 60000
    assert host.one("printf %s " + long) == (long.encode(), (EXITED, 0))


def feed(host, command, data, job=7):
    host.send(frame(FEED, job, struct.pack("<I", len(command)) + command + data))
    output, ends = host.collect([job])
    return output[job], ends[job]


def test_input_is_fed(host):
    data = bytes(range(256)) * 255
    for length in (0, 1, 4096, 4097, len(data)):
        assert feed(host, b"cat", data[:length]) == (data[:length], (EXITED, 0)), length
    assert feed(host, b"read -r a; echo $a", b"one\ntwo\n") == (b"one\n", (EXITED, 0))
    assert feed(host, b"exit 3", data) == (b"", (EXITED, 3))  # nobody reads it
    most = 65536 - 4 - 5
    assert feed(host, b"wc -c", b"x" * most) == (b"%d\n" % most, (EXITED, 0))
    assert feed(host, b"a\0b", b"") == (b"", (NOT_STARTED, 22))
    host.send(frame(FEED, 7, struct.pack("<I", 4) + b"cat"))
    assert host.collect([7])[1][7] == (NOT_STARTED, 22)
    for _ in range(100):  # no descriptor stays
        assert feed(host, b"wc -c", b"abc") == (b"3\n", (EXITED, 0))


def test_much_output_is_complete_when_the_host_is_slow(host):
    script = "i=0; while [ $i -lt 20000 ]; do echo line $i of a long output; i=$((i+1)); done; exit 9"
    host.run(1, script)
    time.sleep(1.5)  # the host does not read: the job waits
    output, ends = host.collect([1])
    expected = b"".join(b"line %d of a long output\n" % i for i in range(20000))
    assert output[1] == expected, len(output[1])
    assert ends[1] == (EXITED, 9)


def test_several_at_once(host):
    jobs = list(range(100, 130))
    for job in jobs:
        host.run(job, f"i=0; while [ $i -lt 50 ]; do echo {job} $i; i=$((i+1)); done; exit {job - 100}")
    output, ends = host.collect(jobs)
    for job in jobs:
        assert output[job] == b"".join(b"%d %d\n" % (job, i) for i in range(50))
        assert ends[job] == (EXITED, job - 100)


def test_too_many_are_refused(host):
    jobs = list(range(33))
    for job in jobs:
        host.run(job, "sleep 100")
    output, ends = host.collect([32])
    assert ends[32] == (NOT_STARTED, 11), ends
    for job in jobs[:32]:
        host.send(frame(KILL, job))
    output, ends = host.collect(jobs[:32])
    assert set(ends.values()) == {(SIGNALLED, 9)}


def test_kill_takes_the_whole_group(host):
    # Were the inner sleeps to survive, they would still hold this lock file's name in their command line.
    host.run(5, "sleep 1000.25 & sleep 1000.25 | cat; echo not reached")
    time.sleep(0.5)
    host.send(frame(KILL, 5))
    output, ends = host.collect([5])
    assert output[5] == b"" and ends[5] == (SIGNALLED, 9), (output, ends)
    host.send(frame(KILL, 5) + frame(KILL, 77))  # late or unknown: nothing happens
    left = "n=0; for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline 2>/dev/null | grep -q '^sleep 1000.2[5]' " \
           "&& n=$((n+1)); done; echo $n"
    output, end = host.one(left)
    assert output == b"0\n", output


def test_kill_works_while_another_floods(host):
    host.run(1, "while :; do echo flood; done")
    host.run(2, "sleep 1000")
    time.sleep(1)
    host.send(frame(KILL, 2) + frame(KILL, 1))
    output, ends = host.collect([1, 2])
    assert ends == {1: (SIGNALLED, 9), 2: (SIGNALLED, 9)}
    assert output[1].replace(b"flood\n", b"") in (b"", b"f", b"fl", b"flo", b"floo", b"flood")


def test_background_work_outlives_its_job(host):
    start = time.time()
    output, end = host.one("(sleep 1; echo late; echo late > /tmp/agent-test-late) & echo now")
    assert (output, end) == (b"now\n", (EXITED, 0)) and time.time() - start < 0.9
    assert host.one("sleep 1.8; cat /tmp/agent-test-late; rm /tmp/agent-test-late") == (b"late\n", (EXITED, 0))


def test_malformed_frames(host):
    bad = [b"garbage that is no frame at all", frame(9), frame(RUN, 1)[:4] + b"\x02\x01\0\0" + bytes(8),
           frame(OUT, 1, b"x"), HEADER.pack(MAGIC, RUN, b"\0\0\0", 1, 65537), frame(KILL, 1, b"x"),
           frame(HELLO, 0, b"short"), frame(FEED, 1, b"x"), frame(RUN, 3, b"sleep 9") + frame(RUN, 3, b"sleep 9")]
    for data in bad:
        host.run(1, "sleep 1000")
        host.send(data)
        host.expect_hello(MALFORMED)
        host.send(b"more garbage DuA" + frame(RUN, 1, b"echo must not run") + b"DuA\x01\x01")
        host.connect()
        assert host.one("echo back", 1) == (b"back\n", (EXITED, 0))


def test_a_frame_that_never_ends(host):
    host.send(frame(RUN, 1, b"x" * 1000)[:500])
    host.send_hello()  # taken for the rest of that frame, until the agent gives up waiting
    host.await_answer()
    assert host.one("echo back") == (b"back\n", (EXITED, 0))


def test_a_new_session_ends_the_old_ones_jobs(host):
    host.run(1, "while :; do echo old; done")
    host.run(2, "sleep 1000")
    time.sleep(0.5)
    host.connect()
    assert host.one("echo new", 1) == (b"new\n", (EXITED, 0))
    assert host.one("echo new", 2) == (b"new\n", (EXITED, 0))


def test_another_version_gets_no_session(host):
    host.send_hello(version=2)
    host.await_answer()
    host.run(1, "echo must not run")
    host.connect()
    assert host.one("echo yes", 1) == (b"yes\n", (EXITED, 0))


def test_children_are_reaped(host):
    for job in range(40):
        assert host.one(f"exit {job}", job)[1] == (EXITED, job)
    zombies = "n=0; for s in /proc/[0-9]*/stat; do read -r p c st pp r < $s 2>/dev/null " \
              "&& [ \"$pp\" = $PPID ] && [ \"$st\" = Z ] && n=$((n+1)); done; echo $n"
    assert host.one(zombies)[0] == b"0\n"


def test_random_input_is_survived(host):
    import random
    seed = int.from_bytes(os.urandom(4), "little")
    print("seed", seed, end=" ")
    random = random.Random(seed)
    for _ in range(30):
        pieces = [MAGIC, frame(RUN, 1, b"echo x"), frame(KILL, 1), random.randbytes(random.randrange(300)),
                  frame(HELLO, 0, random.randbytes(16)), frame(RUN, 2, b"yes")[:-1], bytes(20)]
        host.send(b"".join(random.choice(pieces) for _ in range(random.randrange(1, 9))))
        host.connect()
        assert host.one("echo fine", 9) == (b"fine\n", (EXITED, 0))


def test_the_host_goes_and_comes_back(host):
    if not host.socket_path:
        print("not with a terminal:", end=" ")
        return
    for _ in range(3):
        # With its state: what waits is not lost, and half a frame is forgotten at once.
        host.run(1, "sleep 0.7; seq 1 2000; exit 3")
        host.send(frame(RUN, 2, b"x" * 100)[:50])
        time.sleep(0.2)
        host.go_away()
        time.sleep(1.2)
        host.come_back()
        output, ends = host.collect([1])
        assert output[1] == b"".join(b"%d\n" % i for i in range(1, 2001)) and ends[1] == (EXITED, 3)
        # In the middle of a flood, without its state.
        host.run(1, "while :; do echo flood; done")
        time.sleep(0.3)
        host.go_away()
        time.sleep(0.3)
        host.come_back()
        host.connect()
        assert host.one("echo back", 1) == (b"back\n", (EXITED, 0))


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    target = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../main/resources/agent/agent")
    agent = None
    if stat.S_ISSOCK(os.stat(target).st_mode):
        host = Host(socket_path=target)
    else:
        master, slave = pty.openpty()
        tty.setraw(slave)
        agent = subprocess.Popen(["qemu-riscv64", target, os.ttyname(slave)])
        host = Host(master)
        host.expect_hello(STARTED)
    host.connect()
    only = sys.argv[2:]
    tests = [(n, t) for n, t in globals().items() if n.startswith("test_") and (not only or n in only)]
    for name, test in tests:
        start = time.time()
        print(name, end=" ", flush=True)
        test(host)
        print("ok %.1f s" % (time.time() - start), flush=True)
    print(len(tests), "passed")
    if agent:
        agent.kill()


main()
