"""Every operation that has a handler, against its own model: a plain request and every way to break it
end in an answer that the model knows, or in an error that it knows, with its status."""
import json
import subprocess
import urllib.request
import xml.etree.ElementTree

import botocore
import botocore.exceptions
import pytest

import model_requests
from aws_errors import unchecked
from conftest import ROOT, Elbow

BOTO_NAMES = {"tagging": "resourcegroupstaggingapi", "waf_regional": "waf-regional"}

# Errors that every operation of a protocol may end in, beside those of its model.
COMMON = {
    "query": {"ValidationError": 400, "AccessDenied": 403, "InvalidParameterValue": 400, "MissingParameter": 400,
              "InvalidParameterCombination": 400, "InvalidClientTokenId": 403, "Throttling": 400},
    "ec2": {},  # EC2 models no errors: any code, with 400
    "json": {"ValidationException": 400, "AccessDeniedException": 400, "InvalidParameterException": 400,
             "WAFInvalidParameterException": 400, "SerializationException": 400},
    "rest-json": {"ValidationException": 400, "AccessDeniedException": 403, "InvalidParameterException": 400,
                  "SerializationException": 400, "ResourceNotFoundException": 404},
}

# Members that AWS leaves out although its model requires them: the root user has neither.
LACKING = {"iam:GetUser": {".User.Path (lacks)", ".User.UserName (lacks)"}}
# A botocore much older than the server's shapes does not know all the members there are.
OLD_MODEL = tuple(map(int, botocore.__version__.split(".")[:2])) < (1, 43)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    server = Elbow(tmp_path_factory.mktemp("model"), "--runtime", "static")
    yield server
    assert server.stop() == 0


class Service:
    """A client of one service that keeps what came over the wire."""

    def __init__(self, server, description):
        self.name = BOTO_NAMES.get(description["service"], description["service"])
        self.protocol = description["protocol"]
        self.client = unchecked(server, self.name)
        self.model = self.client.meta.service_model
        self.operations = [o["name"] for o in description["operations"]
                           if o["handled"] and o["name"] in self.model.operation_names]
        self.client.meta.events.register("response-received", self.keep)
        self.raw = None

    def keep(self, response_dict, **_):
        self.raw = response_dict

    def call(self, operation, arguments):
        """(status, error code or None) of one call."""
        try:
            self.client._make_api_call(operation, dict(arguments))
        except botocore.exceptions.ClientError as error:
            return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]
        return self.raw["status_code"], None

    def complaint(self, operation, status, code):
        """What is wrong with how a call ended; None when nothing is."""
        model = self.model.operation_model(operation)
        if code is None:
            strange = [s for s in self.strange_members(model)
                       if s not in LACKING.get(f"{self.name}:{operation}", ())
                       and not (OLD_MODEL and "(lacks)" not in s)]
            return f"members that no model knows: {strange}" if strange else None
        if status >= 500:
            return f"{status} {code}"
        known = dict(COMMON[self.protocol])
        for shape in model.error_shapes:
            error = shape.metadata.get("error", {})
            known[error.get("code", shape.name)] = error.get("httpStatusCode", 400)
        if self.protocol == "ec2":
            return None if status in (400, 403, 412) else f"{code} with {status}"
        if code not in known:
            return f"{code} is no error of this operation"
        return None if known[code] == status else f"{code} with {status}, not {known[code]}"

    def strange_members(self, model):
        """Paths in the answer that the output shape does not have, and required ones that lack."""
        if model.output_shape is None:
            return []
        if self.protocol in ("json", "rest-json"):
            return list(json_strangers(model.output_shape, json.loads(self.raw["body"] or b"{}"), ""))
        root = xml.etree.ElementTree.fromstring(self.raw["body"])
        for element in root.iter():
            element.tag = element.tag.split("}")[-1]
        wrapper = model.output_shape.serialization.get("resultWrapper")
        if wrapper:
            root = root.find(wrapper)
            if root is None:
                return [f"no {wrapper}"]
        return list(xml_strangers(model.output_shape, root, "", self.protocol == "ec2"))


def json_strangers(shape, value, path):
    if shape.type_name == "structure" and isinstance(value, dict):
        members = {m.serialization.get("name", n): m for n, m in shape.members.items()}
        for key, inner in value.items():
            if key not in members:
                yield f"{path}.{key}"
            elif inner is not None:
                yield from json_strangers(members[key], inner, f"{path}.{key}")
        required = {shape.members[n].serialization.get("name", n) for n in shape.required_members}
        yield from (f"{path}.{n} (lacks)" for n in sorted(required - set(value)))
    elif shape.type_name == "list":
        for inner in value:
            yield from json_strangers(shape.member, inner, path + "[]")


def xml_strangers(shape, element, path, ec2):
    if shape.type_name == "structure":
        members, flat = {}, {}
        for name, member in shape.members.items():
            wire = member.serialization.get("name", name)
            if member.type_name == "list" and member.serialization.get("flattened"):
                wire = member.member.serialization.get("name", wire)
                flat[wire] = member
            members[wire] = member
        for child in element:
            if child.tag in ("requestId", "ResponseMetadata") and not path:
                continue
            if child.tag not in members:
                yield f"{path}.{child.tag}"
            elif child.tag in flat:
                yield from xml_strangers(flat[child.tag].member, child, f"{path}.{child.tag}", ec2)
            else:
                yield from xml_strangers(members[child.tag], child, f"{path}.{child.tag}", ec2)
        present = {child.tag for child in element}
        required = {shape.members[n].serialization.get("name", n) for n in shape.required_members
                    if shape.members[n].type_name != "list"}
        yield from (f"{path}.{n} (lacks)" for n in sorted(required - present))
    elif shape.type_name == "list":
        name = shape.member.serialization.get("name", "item" if ec2 else "member")
        for child in element:
            if child.tag != name:
                yield f"{path}/{child.tag} (wants {name})"
            else:
                yield from xml_strangers(shape.member, child, path + "[]", ec2)
    elif shape.type_name != "map" and len(element):
        yield f"{path} holds elements"


def served(world):
    return json.load(urllib.request.urlopen(world.aws + "/_elbow/aws/operations"))


def test_plain_requests_end_as_the_model_knows(world):
    complaints, count = [], 0
    for description in served(world):
        service = Service(world, description)
        for operation in service.operations:
            shape = service.model.operation_model(operation).input_shape
            request = {} if shape is None else model_requests.plain_structure(shape)
            if request is None:
                complaints.append(f"{service.name}:{operation}: the test finds no plain request")
                continue
            count += 1
            complaint = service.complaint(operation, *service.call(operation, request))
            if complaint:
                complaints.append(f"{service.name}:{operation}: {complaint}")
    assert count > 0
    assert not complaints, "\n".join(complaints)


def test_broken_requests_are_refused_as_the_model_knows(world):
    complaints, count = [], 0
    for description in served(world):
        service = Service(world, description)
        for operation in service.operations:
            shape = service.model.operation_model(operation).input_shape
            for what, request in () if shape is None else model_requests.broken_requests(shape):
                where = f"{service.name}:{operation}: {what}"
                try:
                    status, code = service.call(operation, request)
                except (botocore.exceptions.ParamValidationError, KeyError, TypeError, AttributeError):
                    continue  # botocore itself cannot send this
                count += 1
                complaint = service.complaint(operation, status, code)
                if complaint is None and code is None:
                    complaint = "was taken"
                if complaint:
                    complaints.append(f"{where}: {complaint}")
    assert count > 0
    assert not complaints, "\n".join(complaints)


def test_operations_without_a_handler_are_refused_by_name(world):
    for description in served(world):
        service = Service(world, description)
        missing = [o["name"] for o in description["operations"]
                   if not o["handled"] and o["name"] in service.model.operation_names]
        for operation in missing[:5]:
            shape = service.model.operation_model(operation).input_shape
            request = {} if shape is None else model_requests.plain_structure(shape)
            if request is None:
                continue
            status, code = service.call(operation, request)
            assert 400 <= status < 500 and code in (
                "InvalidAction", "UnknownOperationException"), f"{service.name}:{operation}: {status} {code}"


def test_the_support_table_is_up_to_date(world):
    done = subprocess.run([ROOT / "scripts" / "generate_aws_support", "--check", "--url", world.aws],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
