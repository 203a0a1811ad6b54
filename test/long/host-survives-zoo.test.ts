import { hostSurvivesZoo } from '../survival/host-survives-zoo.ts'

hostSurvivesZoo({ atOnce: 10, shownForMs: 60_000, patienceMs: 60_000, timeouts: {} })
