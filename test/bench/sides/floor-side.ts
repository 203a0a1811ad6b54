// The kernel toolkit alone, one endpoint at a time.
import type { Floor } from '../floor.ts'
import type { Side } from '../interleave.ts'
import { timedSync } from '../samples.ts'

export function floorSide(floor: Floor): Side {
  return {
    warmUps: 30,
    round: async () => [
      ['floor-plug', timedSync(() => floor.plug(0))],
      ['floor-unplug', timedSync(() => floor.unplug(0))],
    ],
  }
}
