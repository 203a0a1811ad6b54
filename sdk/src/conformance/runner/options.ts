// What a run is asked for.

import type { Document } from '../../protocol/index.ts'
import type { Level } from '../checks/check.ts'

/** Where the driver is: one of the two. */
export type TargetOptions =
  | {
      /** A driver that is running. */
      readonly socketPath: string
      readonly command?: undefined
    }
  | {
      /** A line for `sh -c` with `{socket}` in it: the kit starts the driver, and may end and start it again. */
      readonly command: string
      readonly socketPath?: undefined
    }

/** How a driver is checked. */
export type ConformanceOptions = TargetOptions & {
  /** Checks of this level and those below it. Default `robust`. */
  readonly level?: Level
  /** Only these: ids, or areas. */
  readonly only?: readonly string[]
  /** Not these: ids, or areas. They are reported as `disabled`. */
  readonly skip?: readonly string[]
  /** Everything random comes out of it. Default: another one each time; the report has it. */
  readonly seed?: number
  /** Of a property that failed: where its counterexample is. With `only` and `seed`. */
  readonly path?: string
  readonly replayPath?: string
  /** Factor on the kit's patience: above 1 on a slow machine, below 1 in a quick test. Default 1. */
  readonly timeScale?: number
  /** Checks that are known to fail, with the reason. One that passes fails the run too. */
  readonly expectedFailures?: Readonly<Record<string, string>>
  /** `config` of the networks that the kit makes, where the driver's schema wants something. Default `{}`. */
  readonly networkConfig?: Document
  /** `options` of the endpoints that the kit makes. Default `{}`. */
  readonly attachmentOptions?: Document
}
