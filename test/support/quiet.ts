import { createLogger } from '../../src/observability/logger.js';
import { installTemporalLogger } from '../../src/temporal/connection.js';

/** Hides SDK warnings, which tests cause on purpose; errors stay visible. */
installTemporalLogger(createLogger('error'));
