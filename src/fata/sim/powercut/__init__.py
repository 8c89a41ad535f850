"""Every state that a power cut can leave on a disk, recovered and judged (docs/design/powercut.md).

    disk = Recorder(RamDisk(64))                        # a Block: the store works on it
    disk.promise((0, 0)); ...; disk.moment("log"); ...  # what must hold, and what is going on, from here on
    report = check(disk.record, recover, judge)         # raises Violation, or says what it has looked at

`recover` opens what a cut has left and returns what it sees; `judge` compares that with the promise.
"""

from fata.sim.powercut.campaign import campaign
from fata.sim.powercut.checker import Report, check
from fata.sim.powercut.record import Record
from fata.sim.powercut.recorder import Recorder, record_over
from fata.sim.powercut.replay import Violation, replay
from fata.sim.powercut.states import Cut

__all__ = ["Cut", "Record", "Recorder", "Report", "Violation", "campaign", "check", "record_over", "replay"]
