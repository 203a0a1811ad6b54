// The kernel toolkit alone.
import type { Floor } from '../floor.ts'
import { timedSync } from '../samples.ts'
import type { Plugger } from './turns.ts'

export function floorPlugger(floor: Floor): Plugger {
  return {
    plug: async (number) => [['floor-plug', timedSync(() => floor.plug(number))]],
    unplug: async (number) => [['floor-unplug', timedSync(() => floor.unplug(number))]],
  }
}
