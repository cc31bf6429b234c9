#!/bin/bash
# The suite's topics. Services make none; the number of partitions is for ever.
set -euo pipefail
for topic in referrals.inbound.v1 intake.events.v1 assessment.events.v1 planning.events.v1 visit-scheduling.events.v1 resource-directory.events.v1 notification.events.v1; do
  /opt/kafka/bin/kafka-topics.sh --bootstrap-server kafka:9092 --create --if-not-exists --topic "$topic" \
    --partitions 12 --replication-factor 1 --config retention.ms=1209600000 --config cleanup.policy=delete
done
