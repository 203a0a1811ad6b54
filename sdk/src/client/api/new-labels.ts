// Labels as clients may give them. What is on record may have others, which were taken once.
import { type Static, Type } from 'typebox'
import { forms } from '../../fields/forms.ts'

export const NewLabels = Type.Record(
  Type.String({ pattern: forms.newLabelKey.pattern }),
  Type.String({ pattern: forms.newLabelValue.pattern }),
  { additionalProperties: false },
)
export type NewLabels = Static<typeof NewLabels>
