// Twenty broken drivers at a time, for 1.5 s: five seconds with a scale of 0.3. test/long shows each for a minute, to a
// conetd with the times of its own.
import { hostSurvivesZoo } from '../survival/host-survives-zoo.ts'

hostSurvivesZoo({
  atOnce: 20,
  shownForMs: 1_500,
  patienceMs: 30_000,
  mostGrowthBytes: 256 * 1024 ** 2,
  timeouts: { driver_call_ms: 5_000, driver_ping_interval_ms: 250, driver_ping_ms: 500 },
})
