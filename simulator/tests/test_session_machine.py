"""Random clouds, replies, silences, removals and additions: what holds for every session, whatever happens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from fenix_contract.vocabulary import ACTION_STATES, AlarmState
from fenix_simulator.domain import messages as m
from fenix_simulator.domain.cloud import Cloud
from fenix_simulator.domain.errors import MaintenanceError
from fenix_simulator.domain.rules import Behaviour, Default, Dialect, Rules
from fenix_simulator.domain.session import Session

NOW = datetime(2026, 3, 1, tzinfo=UTC)
STATES = ["MAINTENANCE", "SCALE_IN", "PREPARE_MAINTENANCE", "PLANNED_MAINTENANCE", "MAINTENANCE_COMPLETE"]


class SessionMachine(RuleBasedStateMachine):
    """One session under arbitrary messages, checked after each."""

    @initialize(
        sizes=st.one_of(
            st.integers(4, 8).flatmap(lambda size: st.lists(st.just(size), min_size=3, max_size=5)),
            st.lists(st.integers(1, 8), min_size=1, max_size=5),
        ),
        placed=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(1, 3)), min_size=2, max_size=14),
        unmanaged=st.one_of(st.just(set()), st.sets(st.integers(0, 3), max_size=2)),
        behaviour=st.sampled_from([Behaviour.STRICT, Behaviour.STRICT, Behaviour.UPSTREAM]),
        default=st.sampled_from([Default.MIGRATE, Default.MIGRATE, Default.MIGRATE, Default.FAIL]),
        dialect=st.sampled_from(Dialect),
        share=st.sampled_from([1, 2, 5, 5, 5]),
        spare=st.booleans(),
    )
    def begin(self, sizes, placed, unmanaged, behaviour, default, dialect, share, spare):
        self.cloud = Cloud([m.Host(f"h{number}", size) for number, size in enumerate(sizes)])
        for number, (host, project, vcpus) in enumerate(placed):
            name = f"h{host % len(sizes)}"
            if spare and name == "h0":
                continue
            if self.cloud.free(name) >= vcpus:
                self.cloud.place(m.Instance(f"i{number}", f"p{project}", f"i{number}", vcpus, name), name)
        self.rules = Rules(behaviour=behaviour, default=default, dialect=dialect)
        chosen = tuple(f"h{number}" for number in range(min(share, len(sizes))))
        there = {self.cloud.instance(one).project_id for host in chosen for one in self.cloud.on_host(host)}
        projects = tuple(project for project in self.cloud.projects() if project in there)
        self.created = m.SessionCreated("s", chosen, projects, NOW + timedelta(hours=1))
        self.unmanaged = {f"p{number}" for number in unmanaged}
        self.session = Session(self.created, self.cloud.copy(), self.rules, lambda one: one not in self.unmanaged)
        self.history, self.existing, self.count, self.asked = [], set(self.cloud.instances), 100, set()
        self.settle(self.session.proceed(NOW))

    def settle(self, events):
        steps = 0
        while events:
            for happened in events:
                self.look(happened)
                self.history.append(happened)
                self.session.apply(happened)
            events = self.session.proceed(NOW)
            steps += 1
            assert steps < 200, "the session runs in circles"

    def look(self, happened):
        """What must hold at the moment an event happens."""
        cloud = self.session.cloud
        if isinstance(happened, m.HostMaintenanceStarted):
            assert cloud.is_empty(happened.host), "a host is maintained with instances on it"
        if isinstance(happened, m.ProjectNotified):
            assert happened.project_id not in self.unmanaged
            if happened.state in ACTION_STATES:
                assert happened.instance_ids
                for instance_id in happened.instance_ids:
                    assert cloud.host_of(instance_id) == self.session.current_host
                    assert cloud.instance(instance_id).project_id == happened.project_id
                if happened.state is AlarmState.PLANNED_MAINTENANCE:
                    assert not self.asked & set(happened.instance_ids), "asked about twice"
                    self.asked |= set(happened.instance_ids)
            if happened.state is AlarmState.MAINTENANCE_COMPLETE:
                assert not self.session.pending
        if isinstance(happened, m.InstanceMoved) and happened.action != "OWN_ACTION":
            assert happened.host == self.session.current_host
            assert happened.target != happened.host
        if isinstance(happened, m.SessionDone):
            assert set(self.session.maintained) == set(self.session.hosts)

    def do(self, command):
        before = len(self.history)
        try:
            events = self.session.decide(command)
        except MaintenanceError:
            assert len(self.history) == before
            return False
        self.settle(events)
        return True

    @rule(
        project=st.integers(0, 3),
        prefix=st.sampled_from(["ACK_"] * 12 + ["NACK_", "", "ack_"]),
        state=st.one_of(st.none(), st.none(), st.none(), st.sampled_from(STATES)),
        action=st.sampled_from(["MIGRATE", "MIGRATE", "LIVE_MIGRATE", "OWN_ACTION", "REBOOT"]),
        less=st.integers(0, 9),
        more=st.sampled_from([None, None, None, "i1", "ghost"]),
    )
    def reply(self, project, prefix, state, action, less, more):
        project_id = f"p{project}"
        told = self.session.ask.told.get(project_id) if self.session.ask else None
        ids = list(told.listed) if told else []
        actions = dict.fromkeys(ids[1:] if less == 0 else ids, action)
        if more:
            actions[more] = action
        text = prefix + (state or self.session.state)
        if told is not None and told.by_instance:
            for one in ids:
                self.do(m.Reply(project_id, text, {one: action}, one))
            return
        self.do(m.Reply(project_id, text, actions))

    @rule(project=st.integers(0, 3))
    def honest_reply(self, project):
        awaiting = self.session.awaiting()
        if not awaiting:
            return
        project_id = awaiting[project % len(awaiting)]
        told = self.session.ask.told[project_id]
        actions = dict.fromkeys(told.listed, "MIGRATE")
        if told.by_instance:
            for one in list(told.listed):
                assert self.do(m.Reply(project_id, f"ACK_{self.session.ask.state}", {one: "MIGRATE"}, one))
        else:
            assert self.do(m.Reply(project_id, f"ACK_{self.session.ask.state}", actions))

    @rule(steps=st.integers(1, 12))
    def carry_on(self, steps):
        """Honest managers reply and the infrastructure works on for a while."""
        for number in range(steps):
            if self.session.awaiting():
                self.honest_reply(number)
            elif self.session.timers and m.TimerPurpose.OWN_ACTIONS not in self.session.timers:
                self.time_passes()

    @precondition(lambda self: self.session.timers and not self.session.awaiting())
    @rule()
    def time_passes(self):
        self.do(m.Tick(min(timer.timer for timer in self.session.timers.values())))

    @rule(number=st.integers(0, 20))
    def an_old_timer_fires(self, number):
        live = {timer.timer for timer in self.session.timers.values()}
        if number not in live:
            before = len(self.history)
            self.do(m.Tick(number))
            assert len(self.history) == before

    @precondition(lambda self: self.existing and not self.session.is_over)
    @rule(pick=st.integers(0, 99))
    def an_instance_is_removed(self, pick):
        instance_id = sorted(self.existing)[pick % len(self.existing)]
        if self.do(m.RemoveInstance(instance_id)):
            self.existing.discard(instance_id)

    @precondition(lambda self: not self.session.is_over)
    @rule(project=st.integers(0, 3), vcpus=st.integers(1, 3))
    def an_instance_is_added(self, project, vcpus):
        self.count += 1
        record = m.Instance(f"i{self.count}", f"p{project}", f"i{self.count}", vcpus, "")
        if self.do(m.AddInstance(record)):
            self.existing.add(record.instance_id)

    @precondition(lambda self: self.existing and not self.session.is_over)
    @rule(pick=st.integers(0, 99))
    def a_project_moves_its_instance(self, pick):
        self.do(m.MoveInstance(sorted(self.existing)[pick % len(self.existing)]))

    @rule()
    def a_pause(self):
        self.do(m.Pause())
        self.do(m.Resume())

    @rule()
    def a_restart(self):
        self.do(m.Restart())

    @invariant()
    def no_instance_is_lost_or_on_two_hosts(self):
        if not hasattr(self, "session"):
            return
        cloud = self.session.cloud
        placed = [one for host in cloud.hosts for one in cloud.on_host(host)]
        assert sorted(placed) == sorted(self.existing)
        for host in cloud.hosts:
            used = sum(cloud.instance(one).vcpus for one in cloud.on_host(host))
            moving = self.session.moving
            if moving is not None and moving.target == host:
                used += cloud.instance(moving.instance_id).vcpus
            assert cloud.used(host) == used <= cloud.hosts[host].vcpus

    @invariant()
    def whoever_waits_has_a_timer(self):
        if not hasattr(self, "session") or self.session.is_over:
            return
        assert self.session.timers, "the session would hang"

    def teardown(self):
        """From wherever it is, silence ends the session; and a replay gives the same one."""
        if not hasattr(self, "session"):
            return
        event(f"stood in {self.session.state}")
        for state in {happened.state for happened in self.history if isinstance(happened, m.StateEntered)}:
            event(f"came through {state}")
        for _ in range(500):
            if self.session.is_over:
                break
            self.do(m.Tick(min(timer.timer for timer in self.session.timers.values())))
        assert self.session.is_over
        again = Session(self.created, self.cloud.copy(), self.rules, lambda project: True)
        for happened in self.history:
            again.apply(happened)
        assert (again.state, again.reason, again.simulated) == (
            self.session.state,
            self.session.reason,
            self.session.simulated,
        )
        for host in again.cloud.hosts:
            assert again.cloud.on_host(host) == self.session.cloud.on_host(host)


SessionMachine.TestCase.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
TestSessions = SessionMachine.TestCase
