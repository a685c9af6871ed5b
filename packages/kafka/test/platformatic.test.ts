import { describeClient } from './behaviour/describe-client.ts'
import { platformaticClient } from './behaviour/platformatic-client.ts'

describeClient(platformaticClient)
