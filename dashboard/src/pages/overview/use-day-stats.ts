import { useQuery } from '@tanstack/react-query';
import { dayStatsQuery } from '../../api/overview';
import { useViewedTenant } from '../../app/view-as';

export const useDayStats = () => useQuery(dayStatsQuery(useViewedTenant()));
