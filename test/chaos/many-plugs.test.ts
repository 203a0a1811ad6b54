// As many as show what a kill in the midst of plugs may break; test/long has ten thousand.
import { manyPlugs } from './many-plugs.ts'

manyPlugs(2_500)
