"""What AWS clients raise, as a test wants to compare it."""
import boto3
import botocore.config
import botocore.exceptions
import pytest

from conftest import REGION


def refusal(call, **arguments):
    """(status, code, message) of the error that a call ends in."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    answer = caught.value.response
    return (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"],
            answer["Error"].get("Message", ""))


def unchecked(server, service, key="test", secret="test"):
    """A boto3 client that sends what it is told, right or wrong."""
    return boto3.client(service, endpoint_url=server.aws, region_name=REGION, aws_access_key_id=key,
                        aws_secret_access_key=secret, config=botocore.config.Config(
                            retries={"total_max_attempts": 1}, parameter_validation=False))
