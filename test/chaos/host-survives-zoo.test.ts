// Ten broken drivers at a time for two seconds; test/long shows each for a minute, to a conetd with its own times.
import { hostSurvivesZoo } from '../survival/host-survives-zoo.ts'

hostSurvivesZoo({
  atOnce: 10,
  shownForMs: 2_000,
  patienceMs: 30_000,
  timeouts: { driver_call_ms: 5_000, driver_ping_interval_ms: 250, driver_ping_ms: 250 },
})
