# Makes botocore-signatures.json: requests that boto3 signed, caught before they were sent.
import json
import boto3
from botocore.config import Config

KEY_ID, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
UNSIGNED = ("user-agent", "amz-sdk-invocation-id", "amz-sdk-request")
caught = []


class Caught(Exception):
    pass


def client(style):
    made = boto3.client(
        "s3", endpoint_url="http://s3.example.com:9000", region_name="eu-west-1",
        aws_access_key_id=KEY_ID, aws_secret_access_key=SECRET,
        config=Config(s3={"addressing_style": style}, signature_version="s3v4", retries={"max_attempts": 1}),
    )

    def catch(request, **_):
        headers = [part.decode("latin1") if isinstance(part, bytes) else str(part) for pair in request.headers.items() if pair[0].lower() not in UNSIGNED for part in pair]
        host, _, target = request.url.removeprefix("http://").partition("/")
        caught.append({"method": request.method, "target": "/" + target, "rawHeaders": ["Host", host] + headers})
        raise Caught()

    made.meta.events.register("before-send.s3", catch)
    return made


KEYS = ["plain.txt", "a b+c&d=e%f", "slash//double/../dots/.", "ünïcødé/鏡.mp4", "~!*'();:@$,?#[]", "%2F%00", " lead and tail "]
for style in ("path", "virtual"):
    s3 = client(style)
    calls = [lambda key=key: s3.get_object(Bucket="media", Key=key, Range="bytes=0-9") for key in KEYS]
    calls += [
        lambda: s3.list_objects_v2(Bucket="media", Prefix="a b/+%", Delimiter="/", StartAfter="é"),
        lambda: s3.list_object_versions(Bucket="media", KeyMarker="~-_."),
        lambda: s3.put_object(Bucket="media", Key="meta", Body=b"x", Metadata={"a": "one  two ", "b": "tab"}, ContentType="text/plain"),
        lambda: s3.put_bucket_lifecycle_configuration(Bucket="media", LifecycleConfiguration={"Rules": [{"ID": "r", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]}),
        lambda: s3.copy_object(Bucket="media", Key="copy", CopySource={"Bucket": "media", "Key": "ä b"}),
        lambda: s3.upload_part(Bucket="media", Key="part", PartNumber=1, UploadId="u+/=", Body=b"part"),
    ]
    for call in calls:
        try:
            call()
        except Caught:
            pass
    for key in KEYS:
        for operation, more in (("get_object", {"ResponseContentType": "a/b; c=d"}), ("put_object", {})):
            url = s3.generate_presigned_url(operation, Params={"Bucket": "media", "Key": key, **more}, ExpiresIn=60)
            host, _, target = url.removeprefix("http://").partition("/")
            caught.append({"method": operation[:3].upper(), "target": "/" + target, "rawHeaders": ["Host", host]})

with open("botocore-signatures.json", "w") as out:
    out.write("[\n" + ",\n".join("  " + json.dumps(each) for each in caught) + "\n]\n")
print(len(caught))
